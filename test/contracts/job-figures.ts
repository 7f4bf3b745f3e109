import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHARGES, JOB_STATES } from "../../src/jobs/job.ts";
import type { CountedJobs, JobFigures } from "../../src/jobs/job-figures.ts";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;

/** That the figures are those of the jobs, whatever has become of them. */
export function describeJobFigures(kit: StoreKit): void {
  const bench = benchFor(kit);
  const shown = ({ counted }: JobFigures) =>
    counted
      .map(({ state, operation, charge, jobs, usd }: CountedJobs) =>
        [state, operation, charge, jobs, usd].join(" "),
      )
      .sort();

  describe("figures", () => {
    it("are none where there is no job", async () => {
      expect(await bench.jobs.figures()).toEqual({ counted: [], oldest: [] });
    });

    it("count jobs and money of everybody, as they stand at the moment, in any process", async () => {
      const running = await bench.add({ state: "running", charge: "reserved", reservedUsd: 0.1 });
      await bench.add({ state: "running", charge: "reserved", reservedUsd: 0.2, owner: STRANGER });
      await bench.add({ state: "queued", charge: "reserved", reservedUsd: null });
      await bench.add({ state: "unknown", charge: "uncertain", reservedUsd: 0.0025 });
      const { jobs } = await bench.another();
      expect(shown(await jobs.figures())).toEqual([
        "queued longcat_image_generate reserved 1 0",
        "running longcat_image_generate reserved 2 0.3",
        "unknown longcat_image_generate uncertain 1 0.0025",
      ]);
      await jobs.transition(OWNER, running.jobId, {
        ...{ from: "running", to: "downloading", patch: {}, now: NOW },
      });
      await jobs.transition(OWNER, running.jobId, {
        ...{ from: "downloading", to: "completed", now: NOW },
        patch: { charge: "spent", costUsd: 0.13, completedAt: NOW },
      });
      expect(shown(await bench.jobs.figures())).toEqual([
        "completed longcat_image_generate spent 1 0.13",
        "queued longcat_image_generate reserved 1 0",
        "running longcat_image_generate reserved 1 0.2",
        "unknown longcat_image_generate uncertain 1 0.0025",
      ]);
    });

    it("follow what is settled by hand and what is deleted, whose money still counts, and forget what is forgotten", async () => {
      const old = { createdAt: NOW - 100 * DAY_MS, updatedAt: NOW - 100 * DAY_MS };
      await bench.add({ ...old, state: "completed", charge: "spent", costUsd: 1 });
      const doubtful = await bench.add({ state: "unknown", charge: "uncertain", reservedUsd: 0.5 });
      const done = { ...old, state: "completed", charge: "spent", costUsd: 2 } as const;
      const gone = await bench.add({ ...done, operation: "qwen_image_edit" });
      await bench.add({ createdAt: NOW, updatedAt: NOW, state: "failed", charge: "none" });
      await bench.jobs.settle(OWNER, doubtful.jobId, "spent", NOW);
      await bench.jobs.delete(OWNER, [gone.jobId], { withFiles: false, now: NOW - 99 * DAY_MS });
      expect(shown(await bench.jobs.figures())).toEqual([
        "completed longcat_image_generate spent 1 1",
        "deleted qwen_image_edit spent 1 2",
        "failed longcat_image_generate none 1 0",
        "unknown longcat_image_generate spent 1 0.5",
      ]);
      await bench.jobs.forget(32, NOW);
      const left = shown(await bench.jobs.figures());
      expect(left).not.toContain("completed longcat_image_generate spent 1 1");
      expect(left).not.toContain("deleted qwen_image_edit spent 1 2");
      expect(left).toContain("failed longcat_image_generate none 1 0");
    });

    it("have no fraction of a cent too much, however many jobs have come and gone", async () => {
      bench.hurry();
      const price = fc.double({ min: 0, max: 2, noNaN: true });
      const jobs = [];
      for (const reservedUsd of [0.1, ...fc.sample(price, { numRuns: 100, seed: 7 })]) {
        jobs.push(await bench.add({ state: "running", charge: "reserved", reservedUsd }));
      }
      for (const { jobId } of jobs.slice(1)) {
        const step = { to: "errored", patch: { charge: "none" }, now: NOW } as const;
        await bench.jobs.transition(OWNER, jobId, { from: "running", ...step });
      }
      expect(shown(await bench.jobs.figures())).toEqual([
        "errored longcat_image_generate none 100 0",
        "running longcat_image_generate reserved 1 0.1",
      ]);
    });

    it("know every state and charge, and since when the oldest of each state waits", async () => {
      for (const [at, state] of JOB_STATES.entries()) {
        await bench.add({
          state,
          charge: CHARGES[at % CHARGES.length] ?? "none",
          createdAt: NOW + at,
        });
        await bench.add({
          state,
          charge: CHARGES[at % CHARGES.length] ?? "none",
          createdAt: NOW + at + 100,
        });
      }
      const { counted, oldest } = await bench.jobs.figures();
      expect(counted.map(({ state }) => state).sort()).toEqual([...JOB_STATES].sort());
      expect(Object.fromEntries(oldest.map(({ state, createdAt }) => [state, createdAt]))).toEqual({
        ...{ queued: NOW, submitting: NOW + 1, running: NOW + 2, downloading: NOW + 3 },
      });
    });
  });
}
