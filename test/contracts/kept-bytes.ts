import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Medium, WholeJob } from "../../src/jobs/job.ts";
import { aJob, aMedium } from "../support/made-jobs.ts";
import { NO_LIMITS } from "../support/rig.ts";
import { BASE, type Bench, benchFor, type StoreKit } from "./kit.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;

const sizes = fc.array(fc.integer({ min: 0, max: 2 ** 41 }), { maxLength: 3 });
const which = fc.nat(5);
/** What becomes of an owner's jobs. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("comes" as const), sizes, isOld: fc.boolean() }),
  fc.record({ kind: fc.constant("ends" as const), sizes }),
  fc.record({ kind: fc.constant("is fetched again" as const), which, sizes }),
  fc.record({ kind: fc.constant("is patched" as const), which, sizes }),
  fc.record({ kind: fc.constant("is deleted" as const), which, withFiles: fc.boolean() }),
  fc.record({ kind: fc.constant("is forgotten" as const) }),
  fc.record({ kind: fc.constant("goes with its user" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const filesOf = (some: readonly number[]): Medium[] =>
  some.map((sizeBytes, n) => aMedium({ index: n + 1, sizeBytes }));
const bytesIn = (jobs: readonly Pick<WholeJob, "media">[]) =>
  jobs.flatMap(({ media }) => media).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** That the files of an owner are as many bytes as the jobs say, whatever becomes of these. */
export function describeKeptBytes(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("what finished files take", () => {
    it("is the sum over the owner's jobs, whatever has become of them", async () => {
      bench.hurry();
      let owners = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          const owner = `owner-${owners++}`;
          const jobIds: string[] = [];
          for (const one of steps) {
            await take(bench, owner, jobIds, one);
            const { jobs } = await bench.jobs.list({ owner, limit: 100 });
            expect((await bench.jobs.held(owner)).keptBytes, one.kind).toBe(bytesIn(jobs));
          }
        }),
        { numRuns: 40, endOnFailure: true },
      );
    });

    it("is an owner's alone", async () => {
      await bench.add(aJob({ owner: "anna", media: filesOf([100, 20]) }));
      await bench.add(aJob({ owner: "berta", media: filesOf([3]) }));
      expect((await bench.jobs.held("anna")).keptBytes).toBe(120);
      expect((await bench.jobs.held("berta")).keptBytes).toBe(3);
      await bench.belongings.remove("anna", { force: true, now: NOW });
      expect((await bench.jobs.held("anna")).keptBytes).toBe(0);
      expect((await bench.jobs.held("berta")).keptBytes).toBe(3);
    });
  });
}

async function take(bench: Bench, owner: string, jobIds: string[], step: Step): Promise<void> {
  const { jobs } = bench;
  const jobId = "which" in step ? jobIds[step.which % Math.max(1, jobIds.length)] : undefined;
  switch (step.kind) {
    case "comes": {
      const createdAt = step.isOld ? NOW - 400 * DAY_MS : NOW;
      const job = aJob({ owner, baseUrl: BASE, createdAt, media: filesOf(step.sizes) });
      await jobs.admit(job, "me", { forceNew: true, limits: NO_LIMITS, now: NOW });
      jobIds.push(job.jobId);
      return;
    }
    case "ends": {
      const job = aJob({ owner, baseUrl: BASE, state: "downloading", charge: "reserved" });
      await jobs.admit(job, "me", { forceNew: true, limits: NO_LIMITS, now: NOW });
      jobIds.push(job.jobId);
      const media = filesOf(step.sizes);
      const from = "downloading";
      const noted = { from, to: from, patch: { media: media.slice(0, 1) }, now: NOW } as const;
      await jobs.transition(owner, job.jobId, noted);
      const patch = { media, charge: "spent", costUsd: 0.02 } as const;
      await jobs.transition(owner, job.jobId, { from, to: "completed", patch, now: NOW });
      return;
    }
    case "is fetched again":
      if (jobId && (await jobs.get(owner, jobId))) {
        await jobs.amendMedia(owner, jobId, (had) => [...had, ...filesOf(step.sizes)], NOW);
      }
      return;
    case "is patched":
      if (jobId && (await jobs.get(owner, jobId))) {
        await jobs.patch(owner, jobId, { media: filesOf(step.sizes) }, NOW);
      }
      return;
    case "is deleted":
      if (jobId) await jobs.delete(owner, [jobId], { withFiles: step.withFiles, now: NOW });
      return;
    case "is forgotten":
      await jobs.forget(90, NOW);
      return;
    case "goes with its user":
      await bench.belongings.remove(owner, { force: true, now: NOW });
  }
}
