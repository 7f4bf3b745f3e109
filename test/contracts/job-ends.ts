import { describe, expect, it } from "vitest";
import type { Job, WholeJob } from "../../src/jobs/job.ts";
import { OWNER, summaryOf } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";

/** What may be decided by hand, and what may be forgotten. */
export function describeJobEnds(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("a settlement by hand", () => {
    const doubtful = { state: "unknown", charge: "uncertain", updatedAt: 1 } as const;

    it("decides on what is uncertain, and can be corrected", async () => {
      const job = await bench.add(doubtful);
      const charged: WholeJob = { ...job, charge: "spent", costUsd: 0.13, updatedAt: 5 };
      const free: WholeJob = { ...job, charge: "none", costUsd: null, updatedAt: 6 };
      expect(await bench.jobs.settle(OWNER, job.jobId, "spent", 5)).toEqual(summaryOf(charged));
      expect(await (await bench.another()).jobs.settle(OWNER, job.jobId, "none", 6)).toEqual(
        summaryOf(free),
      );
      expect(await bench.jobs.settle(OWNER, job.jobId, "spent", 5)).toEqual(summaryOf(charged));
      expect(await (await bench.another()).jobs.get(OWNER, job.jobId)).toEqual(charged);
    });

    it("belongs to the owner", async () => {
      const job = await bench.add(doubtful);
      expect(await bench.jobs.settle(STRANGER, job.jobId, "none", 5)).toBeUndefined();
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
    });

    it.each([
      ["completed", "spent"],
      ["failed", "spent"],
      ["failed", "none"],
      ["errored", "none"],
      ["running", "reserved"],
    ] as const)(
      "does nothing to a job that the program knows to be %s and %s",
      async (state, charge) => {
        const job = await bench.add({ state, charge });
        expect(await bench.jobs.settle(OWNER, job.jobId, "none", 5)).toBeUndefined();
        expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
      },
    );

    it("loses against a job that was given its request id meanwhile", async () => {
      const job = await bench.add(doubtful);
      const goesOn = { charge: "reserved" } as const;
      const attached = await (await bench.another()).jobs.transition(OWNER, job.jobId, {
        from: "unknown",
        to: "running",
        patch: goesOn,
        now: 4,
      });
      expect(await bench.jobs.settle(OWNER, job.jobId, "none", 5)).toBeUndefined();
      expect(await bench.jobs.get(OWNER, job.jobId)).toMatchObject(attached ?? {});
    });

    it("is over once the job goes on after all", async () => {
      const job = await bench.add(doubtful);
      await bench.jobs.settle(OWNER, job.jobId, "spent", 5);
      const goesOn = { charge: "reserved" } as const;
      const attached = await bench.jobs.transition(OWNER, job.jobId, {
        from: "unknown",
        to: "running",
        patch: goesOn,
        now: 6,
      });
      expect(attached).toMatchObject({ charge: "reserved", costUsd: null });
      await bench.jobs.transition(OWNER, job.jobId, {
        from: "running",
        to: "failed",
        patch: { charge: "spent" },
        now: 7,
      });
      expect(await bench.jobs.settle(OWNER, job.jobId, "none", 8)).toBeUndefined();
    });
  });

  describe("old jobs", () => {
    const NOW = Date.parse("2026-11-20T12:00:00Z");
    const at = (daysAgo: number) => {
      const time = NOW - daysAgo * 86_400_000;
      return { createdAt: time, updatedAt: time, state: "completed", charge: "spent" } as const;
    };
    const left = async () =>
      (await bench.jobs.list({ owner: OWNER, limit: 10 })).jobs.map((job) => job.jobId).sort();
    const idsOf = (jobs: Job[]) => jobs.map((job) => job.jobId).sort();

    it("are forgotten once they have ended, are old and are settled; others never", async () => {
      await bench.add(at(40));
      await bench.add({ ...at(40), state: "cancelled", charge: "none" });
      const kept = [
        await bench.add({ ...at(40), state: "running", charge: "reserved" }),
        await bench.add({ ...at(40), state: "unknown", charge: "uncertain" }),
        await bench.add({ ...at(40), updatedAt: at(1).updatedAt }),
        await bench.add({ ...at(1), updatedAt: at(40).updatedAt }),
        await bench.add(at(30)),
        await bench.add(at(0)),
      ];
      expect(await bench.jobs.forget(32, NOW)).toBe(2);
      expect(await left()).toEqual(idsOf(kept));
    });

    it("are not made by a clock that runs ahead, even if a job is started by it", async () => {
      const kept = [await bench.add(at(2)), await bench.add(at(0))];
      const ahead = -100;
      expect(await bench.jobs.forget(32, at(ahead).createdAt)).toBe(0);
      kept.push(await bench.add(at(ahead)));
      expect(await bench.jobs.forget(32, at(ahead).createdAt)).toBe(0);
      expect(await left()).toEqual(idsOf(kept));
      expect(await bench.jobs.spending(OWNER, NOW)).toMatchObject({ thisMonth: { jobs: 3 } });
    });

    it("stay while they count towards the cap of a month", async () => {
      await bench.add(at(21));
      const kept = [await bench.add(at(19)), await bench.add(at(2)), await bench.add(at(0))];
      expect(await bench.jobs.forget(1, NOW)).toBe(1);
      expect(await left()).toEqual(idsOf(kept));
    });
  });
}
