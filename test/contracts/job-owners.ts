import { describe, expect, it } from "vitest";
import { leftJob, NO_LIMITS, OWNER } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";

/** That to everybody but its owner a job does not exist. */
export function describeJobOwners(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("whose a job is", () => {
    it("is told for its id alone, in all processes, until it is deleted", async () => {
      const ended = { state: "completed", charge: "spent" } as const;
      const own = await bench.add(ended);
      const theirs = await bench.add({ ...ended, owner: STRANGER, requestId: "request-1" });
      const another = await bench.another();
      for (const { jobs } of [bench, another]) {
        expect(await jobs.ownerOf(own.jobId)).toBe(OWNER);
        expect(await jobs.ownerOf(theirs.jobId)).toBe(STRANGER);
        for (const guess of ["", "request-1", own.jobId.slice(0, -1), `${own.jobId}a`, "job_%"]) {
          expect(await jobs.ownerOf(guess), guess).toBeUndefined();
        }
      }
      await bench.jobs.delete(OWNER, [own.jobId], { withFiles: false, now: 9 });
      expect(await another.jobs.ownerOf(own.jobId)).toBeUndefined();
      expect(await another.jobs.ownerOf(theirs.jobId)).toBe(STRANGER);
    });
  });

  describe("somebody who knows another's ids", () => {
    const whole = {
      state: "completed",
      charge: "spent",
      orphaned: true,
      requestId: "longcat-image-498_019d",
      fingerprint: "same",
      idempotencyKey: "once",
      costUsd: 0.13,
    } as const;

    it("reads nothing by them", async () => {
      const { jobId, requestId, createdAt } = await bench.add(whole);
      const { jobs } = bench;
      expect(await jobs.get(STRANGER, jobId)).toBeUndefined();
      expect(await jobs.findByRequestId(STRANGER, requestId ?? "")).toBeUndefined();
      expect(await jobs.list({ owner: STRANGER, limit: 10 })).toEqual({ jobs: [] });
      const first = await jobs.list({ owner: OWNER, limit: 1 });
      await bench.add();
      const next = await jobs.list({ owner: OWNER, limit: 1 });
      expect(first.jobs).toHaveLength(1);
      expect(await jobs.list({ owner: STRANGER, limit: 1, cursor: next.nextCursor })).toEqual({
        jobs: [],
      });
      expect(await jobs.untoldOrphans(STRANGER)).toEqual([]);
      expect((await jobs.spending(STRANGER, createdAt)).total.jobs).toBe(0);
    });

    it("changes nothing by them", async () => {
      const job = await bench.add(whole);
      const doubtful = await bench.add({ state: "unknown", charge: "uncertain" });
      const { jobs } = bench;
      await expect(jobs.patch(STRANGER, job.jobId, { media: [] }, 1)).rejects.toMatchObject({
        code: "not_found",
      });
      const step = { from: "unknown", to: "running", patch: {}, now: 1 } as const;
      expect(await jobs.transition(STRANGER, doubtful.jobId, step)).toBeUndefined();
      expect(await jobs.settle(STRANGER, doubtful.jobId, "none", 1)).toBeUndefined();
      await jobs.noteMentioned(STRANGER, [job.jobId], 1);
      expect((await jobs.untoldOrphans(OWNER)).map(({ jobId }) => jobId)).toEqual([job.jobId]);
      expect(await jobs.get(OWNER, job.jobId)).toEqual(job);
      expect(await jobs.get(OWNER, doubtful.jobId)).toEqual(doubtful);
    });

    it("is neither given another's job for a repeated call, nor kept by another's cap", async () => {
      await bench.add(whole);
      const own = leftJob({ ...whole, baseUrl: BASE, owner: STRANGER, reservedUsd: 0.13 });
      const rules = {
        forceNew: false,
        limits: { ...NO_LIMITS, perDayUsd: 0.2 },
        now: own.createdAt,
      };
      expect(await bench.jobs.findDuplicate(own, rules)).toBeUndefined();
      expect(await bench.jobs.committed(STRANGER, own.createdAt)).toEqual({
        todayUsd: 0,
        thisMonthUsd: 0,
      });
      expect(await bench.jobs.admit(own, "me", rules)).toEqual({ kind: "new" });
      expect(await bench.jobs.get(STRANGER, own.jobId)).toEqual(own);
    });
  });
}
