import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Charge, WholeJob } from "../../src/jobs/job.ts";
import { aJob } from "../support/made-jobs.ts";
import { NO_LIMITS } from "../support/rig.ts";
import { BASE, benchFor, type StoreKit } from "./kit.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;
const MONTH_START = Date.parse("2026-11-01T00:00:00Z");
const TODAY_START = Date.parse("2026-11-20T00:00:00Z");

const charge = fc.constantFrom<Charge>("none", "reserved", "spent", "uncertain");
const price = fc.option(fc.integer({ min: 0, max: 2_000_000 }).map((micro) => micro / 1e6));
const someJobs = fc.array(
  fc.record({
    createdAt: fc.integer({ min: NOW - 40 * DAY_MS, max: NOW }),
    ...{ charge, costUsd: price, reservedUsd: price },
  }),
  { maxLength: 10 },
);

/** What jobs count as against caps, added up one by one. */
function addedUp(jobs: readonly WholeJob[]) {
  const since = (start: number) =>
    jobs
      .filter((job) => job.charge !== "none" && job.createdAt >= start)
      .reduce((sum, job) => sum + Math.round((job.costUsd ?? job.reservedUsd ?? 0) * 1e6), 0) / 1e6;
  return { todayUsd: since(TODAY_START), thisMonthUsd: since(MONTH_START) };
}

/** That what caps are held against is what the jobs say, whatever becomes of these. */
export function describeCommittedMoney(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("what is committed", () => {
    beforeEach(async () => {
      bench.hurry();
      await bench.users.noteClosed(NOW);
    });

    it("is the sum of the jobs, of each owner and of all, whatever becomes of them", async () => {
      const all: WholeJob[] = [];
      let owners = 0;
      await fc.assert(
        fc.asyncProperty(
          someJobs,
          fc.array(fc.tuple(fc.nat(9), charge, price), { maxLength: 10 }),
          async (made, changes) => {
            const owner = `owner-${owners++}`;
            const jobs = made.map((job) => aJob({ ...job, owner, baseUrl: BASE }));
            const rules = { forceNew: true, limits: NO_LIMITS, now: NOW };
            for (const job of jobs) await bench.jobs.admit(job, "me", rules);
            for (const [which, changed, costUsd] of changes) {
              const job = jobs[which];
              if (!job) continue;
              await bench.jobs.patch(owner, job.jobId, { charge: changed, costUsd }, NOW);
              jobs[which] = { ...job, charge: changed, costUsd };
            }
            // What is deleted has been paid for.
            const settled = jobs.filter((job) => job.charge === "spent" || job.charge === "none");
            const doomed = settled.slice(0, 2).map(({ jobId }) => jobId);
            await bench.jobs.delete(owner, doomed, { withFiles: false, now: NOW });
            all.push(...jobs);
            const { shared, ...own } = await bench.jobs.committed(owner, NOW);
            expect(own).toEqual(addedUp(jobs));
            expect(shared?.all).toEqual(addedUp(all));
          },
        ),
        { numRuns: 25, endOnFailure: true },
      );
    });

    it("is less by what is forgotten, and of that nothing is left", async () => {
      const old = { createdAt: NOW - 400 * DAY_MS, updatedAt: NOW - 400 * DAY_MS, costUsd: 0.1 };
      await bench.add(aJob(old));
      await bench.add(aJob({ createdAt: NOW - DAY_MS, costUsd: 0.05 }));
      await bench.add(aJob({ createdAt: NOW, costUsd: 0.15 }));
      const longAgo = old.createdAt + DAY_MS;
      expect((await bench.jobs.committed("local", longAgo)).thisMonthUsd).toBe(0.3);
      await bench.jobs.forget(90, NOW);
      const { shared, ...own } = await bench.jobs.committed("local", longAgo);
      expect(own.thisMonthUsd).toBe(0.2);
      expect(shared?.all.thisMonthUsd).toBe(0.2);
    });
  });
}
