import { describe, expect, it } from "vitest";
import type { WholeJob } from "../../src/jobs/job.ts";
import { leftJob, NO_LIMITS, OWNER, summaryOf } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { answered } from "./turns.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const SECOND = 1_000;
const REQUEST = "longcat-image-498_019d";
const KEPT = { withFiles: false, now: NOW };
const DOOMED = { withFiles: true, now: NOW };

const medium = (index: number) => ({
  ...{ index, url: `https://a.example/${index}.png`, path: `/pictures/fox-${index}.png` },
  ...{ mimeType: "image/png", sizeBytes: 1, sha256: "ab", copies: ["/copies/fox.png"] },
});

/** What came of a job, and that its answer has left a moment ago. */
const whole = {
  ...{ state: "completed", charge: "spent", costUsd: 0.13, reservedUsd: 0.13, requestId: REQUEST },
  ...{ createdAt: NOW - 9 * SECOND, updatedAt: NOW, completedAt: NOW, deliveredAt: NOW },
  ...{ fingerprint: "same", idempotencyKey: "once", orphaned: true },
  ...{ input: { prompt: "A red fox" }, media: [medium(1), medium(2)] },
} satisfies Partial<WholeJob>;

/** That a deleted job is nowhere any more, and that what money and duplicates need is. */
export function describeJobDeletions(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const start = (change: Partial<WholeJob>, now: number, forceNew = false) => {
    const job = leftJob({ baseUrl: BASE, createdAt: now, ...change });
    return bench.jobs.admit(job, "me", { forceNew, limits: NO_LIMITS, now });
  };

  describe("a deleted job", () => {
    it("is in no answer any more, in any process, and cannot be changed", async () => {
      const { jobId } = await bench.add(whole);
      const other = (await bench.another()).jobs;
      const { deleted, refused } = await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(deleted).toMatchObject([{ jobId, media: whole.media }]);
      expect(refused).toEqual([]);
      for (const jobs of [bench.jobs, other]) {
        expect(await jobs.get(OWNER, jobId)).toBeUndefined();
        expect(await jobs.findByRequestId(OWNER, REQUEST)).toBeUndefined();
        expect((await jobs.list({ owner: OWNER, limit: 9 })).jobs).toEqual([]);
        expect(await jobs.untoldOrphans(OWNER)).toEqual([]);
        expect(await jobs.settle(OWNER, jobId, "none", NOW)).toBeUndefined();
        await expect(jobs.patch(OWNER, jobId, { media: [] }, NOW)).rejects.toMatchObject({
          code: "not_found",
        });
        expect(await jobs.wasDeleted(OWNER, { jobId })).toBe(true);
        expect(await jobs.wasDeleted(OWNER, { requestId: REQUEST })).toBe(true);
        expect(await jobs.knowsRequest(REQUEST)).toBe(true);
      }
    });

    it("cannot be deleted again, nor can what was never there", async () => {
      const { jobId } = await bench.add(whole);
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      const again = await bench.jobs.delete(OWNER, [jobId, "job_none"], DOOMED);
      expect(again).toMatchObject({
        deleted: [],
        refused: [{ code: "not_found" }, { code: "not_found" }],
      });
      expect(await bench.jobs.doomedFiles()).toEqual([]);
      expect(await bench.jobs.wasDeleted(OWNER, { jobId: "job_none" })).toBe(false);
    });

    it("still counts, by day and operation, and towards caps", async () => {
      const { jobId } = await bench.add(whole);
      await bench.add({
        ...whole,
        idempotencyKey: null,
        requestId: null,
        charge: "none",
        costUsd: null,
      });
      const before = await bench.jobs.spending(OWNER, NOW);
      expect(before).toMatchObject({ today: { spentUsd: 0.13, jobs: 1 } });
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(await bench.jobs.spending(OWNER, NOW)).toEqual(before);
      const limits = { ...NO_LIMITS, perDayUsd: 0.25 };
      const rules = { forceNew: true, limits, now: NOW };
      const next = leftJob({ baseUrl: BASE, reservedUsd: 0.13 });
      await expect(bench.jobs.admit(next, "me", rules)).rejects.toMatchObject({
        code: "over_budget",
      });
    });

    it("keeps its idempotency key, also from a call that asks for something else", async () => {
      const { jobId } = await bench.add(whole);
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      for (const change of [{}, { fingerprint: "other" }]) {
        for (const forceNew of [false, true]) {
          const call = start({ idempotencyKey: "once", ...change }, NOW + 9e9, forceNew);
          await expect(call).rejects.toMatchObject({
            code: "not_found",
            message: expect.stringContaining("deleted"),
            next: expect.stringContaining("another `idempotency_key`"),
          });
        }
      }
      expect(await start({ idempotencyKey: "another" }, NOW)).toEqual({ kind: "new" });
    });

    it("protects from an identical call for as long as it would have, and no longer", async () => {
      const { jobId } = await bench.add({ ...whole, deliveredAt: NOW - 5 * SECOND });
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      const until = NOW + 15 * SECOND;
      await bench.jobs.forgetDuplicates(until - 1);
      const same = { fingerprint: "same" };
      await expect(start(same, until - 1)).rejects.toMatchObject({
        code: "not_found",
        next: expect.stringContaining("`force_new: true`"),
      });
      expect(await start({ ...same, baseUrl: "https://b.example" }, NOW)).toEqual({ kind: "new" });
      expect(await start(same, until)).toEqual({ kind: "new" });
    });

    it.each([
      ["was charged for nothing", { charge: "none", state: "failed", costUsd: null }],
      ["was given long ago", { deliveredAt: NOW - 60 * SECOND }],
    ] as const)("protects from nothing if it %s", async (_, change) => {
      const { jobId } = await bench.add({ ...whole, ...change });
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(await start({ fingerprint: "same" }, NOW)).toEqual({ kind: "new" });
    });

    it("gives way to one that was forced meanwhile", async () => {
      const { jobId } = await bench.add(whole);
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(await start({ fingerprint: "same" }, NOW, true)).toEqual({ kind: "new" });
      expect(await start({ fingerprint: "same" }, NOW)).toMatchObject({ kind: "duplicate" });
    });

    it("is heard of once by other processes, and by its own not at all", async () => {
      const { jobId } = await bench.add(whole);
      const other = (await bench.another()).jobs;
      expect(await other.deletions()).toEqual([]);
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(await other.deletions()).toEqual([{ owner: OWNER, jobId, indexes: [1, 2] }]);
      expect(await other.deletions()).toEqual([]);
      expect(await bench.jobs.deletions()).toEqual([]);
    });

    it("hides no later change from other processes", async () => {
      const { jobId } = await bench.add(whole);
      const other = (await bench.another()).jobs;
      await bench.jobs.delete(OWNER, [jobId], KEPT);
      const next = await bench.add();
      expect(await other.changes()).toEqual([summaryOf(next)]);
    });

    it("is forgotten with the other old ones", async () => {
      const { jobId } = await bench.add({ ...whole, createdAt: 1 });
      await bench.add({ createdAt: NOW });
      await bench.add({ createdAt: NOW - 86_400_000 });
      await bench.jobs.delete(OWNER, [jobId], { ...KEPT, now: 1 });
      await bench.jobs.forget(32, NOW);
      expect(await bench.jobs.wasDeleted(OWNER, { jobId })).toBe(false);
      expect((await bench.jobs.spending(OWNER, NOW)).total.spentUsd).toBe(0);
    });
  });

  describe("a deletion", () => {
    it.each([
      ["queued", "reserved", "job_cancel"],
      ["submitting", "reserved", "job_status"],
      ["running", "reserved", "job_status"],
      ["downloading", "spent", "job_status"],
      ["unknown", "uncertain", "jobs settle"],
      ["failed", "uncertain", "jobs settle"],
    ] as const)(
      "of one that is %s (%s) is refused and says how on",
      async (state, charge, next) => {
        const job = await bench.add({ ...whole, state, charge });
        const { deleted, refused } = await bench.jobs.delete(OWNER, [job.jobId], DOOMED);
        expect(deleted).toEqual([]);
        expect(refused).toMatchObject([
          { code: "invalid_input", next: expect.stringContaining(next) },
        ]);
        expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
        expect(await bench.jobs.doomedFiles()).toEqual([]);
      },
    );

    it.each(["completed", "failed", "errored", "cancelled", "unknown"] as const)(
      "of one that is %s and settled is done",
      async (state) => {
        const { jobId } = await bench.add({ ...whole, state });
        expect((await bench.jobs.delete(OWNER, [jobId], KEPT)).deleted).toHaveLength(1);
      },
    );

    it("of a turn is that of its thread, for as long as this is there", async () => {
      const { turn } = await answered(bench);
      const { jobId, threadId } = turn;
      await bench.jobs.transition(OWNER, jobId, {
        ...{ from: "queued", to: "cancelled", patch: {}, now: 1 },
      });
      await bench.jobs.settle(OWNER, jobId, "none", 1);
      const { refused } = await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(refused).toMatchObject([{ next: expect.stringContaining(threadId) }]);
      await bench.threads.delete(OWNER, threadId, 9e12);
      const after = await bench.jobs.delete(OWNER, [jobId], KEPT);
      expect(after.refused.map(({ message }) => message).join()).not.toContain("turn of");
    });

    it("of several deletes those that can be, and says why the others stay", async () => {
      const [one, running, two] = [
        await bench.add({ ...whole, idempotencyKey: "1" }),
        await bench.add({ state: "running" }),
        await bench.add({ ...whole, idempotencyKey: "2" }),
      ];
      const ids = [one.jobId, running.jobId, two.jobId, one.jobId];
      const { deleted, refused } = await bench.jobs.delete(OWNER, ids, KEPT);
      expect(deleted.map(({ jobId }) => jobId)).toEqual([one.jobId, two.jobId]);
      expect(refused).toMatchObject([{ message: expect.stringContaining(running.jobId) }]);
    });

    it("with files notes them until they are gone, for every process", async () => {
      const { jobId } = await bench.add(whole);
      await bench.jobs.delete(OWNER, [jobId], DOOMED);
      const other = (await bench.another()).jobs;
      const files = whole.media.map(({ path }) => ({ owner: OWNER, jobId, ref: path }));
      expect(await other.doomedFiles()).toEqual(files);
      await other.filesGone(files.slice(0, 1));
      expect(await bench.jobs.doomedFiles()).toEqual(files.slice(1));
    });

    it("belongs to the owner, and to others nothing was there", async () => {
      const job = await bench.add(whole);
      const strange = await bench.jobs.delete(STRANGER, [job.jobId, "job_none"], DOOMED);
      expect(strange.deleted).toEqual([]);
      expect(strange.refused.map(({ message }) => message)).toEqual([
        expect.stringContaining(job.jobId),
        strange.refused[0]?.message.replace(job.jobId, "job_none"),
      ]);
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
      await bench.jobs.delete(OWNER, [job.jobId], KEPT);
      expect(await bench.jobs.wasDeleted(STRANGER, { jobId: job.jobId })).toBe(false);
      expect(await bench.jobs.wasDeleted(STRANGER, { requestId: REQUEST })).toBe(false);
      const theirs = { fingerprint: "same", idempotencyKey: "once", owner: STRANGER };
      expect(await start(theirs, NOW)).toEqual({ kind: "new" });
    });
  });

  describe("two processes", () => {
    const jobs = (method: string, calls: readonly (readonly unknown[])[]) =>
      ({ store: "jobs", method, calls }) as const;

    it("delete a job once", async () => {
      const added = [];
      for (let n = 0; n < 20; n++)
        added.push(await bench.add({ ...whole, idempotencyKey: `${n}` }));
      const before = await bench.jobs.spending(OWNER, NOW);
      const calls = added.map(({ jobId }) => [OWNER, [jobId], DOOMED]);
      const found = await race(bench.place, jobs("delete", calls), jobs("delete", calls));
      const text = JSON.stringify(found.flat());
      for (const { jobId } of added) {
        expect(text.split(`"jobId":"${jobId}"`).length - 1, jobId).toBe(1);
      }
      expect(await bench.jobs.spending(OWNER, NOW)).toEqual(before);
      expect(await bench.jobs.doomedFiles()).toHaveLength(40);
    });

    it("delete a job or write to it: what is deleted stays so", async () => {
      const settled = { ...whole, state: "unknown", charge: "none", costUsd: null } as const;
      const added = [];
      for (let n = 0; n < 20; n++) {
        added.push(await bench.add({ ...settled, idempotencyKey: `${n}` }));
      }
      const goesOn = { from: "unknown", to: "running", patch: { charge: "reserved" }, now: NOW };
      const [, moved = []] = await race(
        bench.place,
        jobs(
          "delete",
          added.map(({ jobId }) => [OWNER, [jobId], KEPT]),
        ),
        jobs(
          "transition",
          added.map(({ jobId }) => [OWNER, jobId, goesOn]),
        ),
      );
      for (const [n, { jobId }] of added.entries()) {
        const job = await bench.jobs.get(OWNER, jobId);
        const outcome = moved[n];
        const isMoved = outcome !== undefined && "value" in outcome && outcome.value !== undefined;
        expect(job?.state, jobId).toBe(isMoved ? "running" : undefined);
        expect(await bench.jobs.wasDeleted(OWNER, { jobId })).toBe(!isMoved);
      }
    });
  });
}
