import { describe, expect, it } from "vitest";
import { leftJob, NO_LIMITS, OWNER, summaryOf } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;

/** What is summed up, what limits it, and which earlier job stands for a call. */
export function describeJobMoney(kit: StoreKit): void {
  const bench = benchFor(kit);
  const admit = (job: ReturnType<typeof leftJob>, change: object = {}) =>
    bench.jobs.admit(job, "me", { forceNew: false, limits: NO_LIMITS, now: NOW, ...change });
  const on = (daysAgo: number) => ({ createdAt: NOW - daysAgo * DAY_MS });

  describe("money", () => {
    const fill = async () => {
      await bench.add({ ...on(0), state: "completed", charge: "spent", costUsd: 0.5 });
      await bench.add({ ...on(0), state: "running", charge: "reserved", reservedUsd: 0.25 });
      await bench.add({ ...on(1), state: "unknown", charge: "uncertain", reservedUsd: 0.125 });
      await bench.add({
        ...{ ...on(2), state: "completed", charge: "spent", operation: "qwen_image_edit" },
        ...{ costUsd: null, reservedUsd: null },
      });
      await bench.add({ ...on(3), state: "failed", charge: "none", reservedUsd: 4 });
      await bench.add({ ...on(30), state: "completed", charge: "spent", costUsd: 1 });
      await bench.add({
        ...on(0),
        charge: "spent",
        state: "completed",
        costUsd: 9,
        owner: STRANGER,
      });
    };

    it("is summed up by charge, day and operation, of one owner, of the whole and of a period", async () => {
      await fill();
      const report = await bench.jobs.spending(OWNER, NOW);
      expect(report.total).toMatchObject({
        ...{ spentUsd: 1.5, reservedUsd: 0.25, uncertainUsd: 0.125, jobs: 5, unpriced: 1 },
      });
      expect(report.today).toMatchObject({ spentUsd: 0.5, reservedUsd: 0.25, jobs: 2 });
      expect(report.thisMonth).toMatchObject({ spentUsd: 0.5, uncertainUsd: 0.125, jobs: 4 });
      expect(report.byDay.map(({ day, jobs }) => [day, jobs])).toEqual([
        ["2026-11-20", 2],
        ["2026-11-19", 1],
        ["2026-11-18", 1],
        ["2026-10-21", 1],
      ]);
      expect(report.byOperation.map(({ operation, jobs }) => [operation, jobs]).sort()).toEqual([
        ["longcat_image_generate", 4],
        ["qwen_image_edit", 1],
      ]);
      const since = NOW - 2 * DAY_MS;
      const period = { since, before: NOW };
      const some = await (await bench.another()).jobs.spending(OWNER, NOW, period);
      expect(some.total).toMatchObject({ spentUsd: 0, uncertainUsd: 0.125, jobs: 2, unpriced: 1 });
      expect(some.today).toEqual(report.today);
    });

    it("that is spent, reserved or in doubt counts against limits, of today and of the month", async () => {
      await fill();
      const committed = await bench.jobs.committed(OWNER, NOW);
      expect(committed).toEqual({ todayUsd: 0.75, thisMonthUsd: 0.875 });
      expect(await bench.jobs.committed(STRANGER, NOW)).toEqual({ todayUsd: 9, thisMonthUsd: 9 });
      const one = () => leftJob({ baseUrl: BASE, reservedUsd: 0.25, fingerprint: null, ...on(0) });
      for (const limits of [{ perDayUsd: 0.99 }, { perMonthUsd: 1.12 }]) {
        await expect(admit(one(), { limits: { ...NO_LIMITS, ...limits } })).rejects.toMatchObject({
          code: "over_budget",
        });
      }
      const enough = { ...NO_LIMITS, perDayUsd: 1, perMonthUsd: 1.125 };
      expect(await admit(one(), { limits: enough })).toEqual({ kind: "new" });
      await expect(admit(one(), { limits: enough })).rejects.toMatchObject({ code: "over_budget" });
    });
  });

  describe("an earlier job", () => {
    const call = { baseUrl: BASE, fingerprint: "same" };

    it("that is found to stand for a call is the one that is admitted for it", async () => {
      const job = leftJob(call);
      expect(await admit(job)).toEqual({ kind: "new" });
      const again = leftJob(call);
      const rules = { forceNew: false, limits: NO_LIMITS, now: NOW };
      const found = await bench.jobs.findDuplicate(again, rules);
      expect(found).toEqual(summaryOf(job));
      expect(await admit(again)).toEqual({ kind: "duplicate", job: found });
      expect(await bench.jobs.get(OWNER, again.jobId)).toBeUndefined();
    });

    it("stands for no call to another base, for other words, or that wants a new one", async () => {
      await admit(leftJob(call));
      for (const [other, forceNew] of [
        [{ ...call, baseUrl: "https://other.example" }, false],
        [{ ...call, fingerprint: "other" }, false],
        [call, true],
      ] as const) {
        const job = leftJob(other);
        const rules = { forceNew, limits: NO_LIMITS, now: NOW };
        expect(await bench.jobs.findDuplicate(job, rules)).toBeUndefined();
        expect(await admit(job, { forceNew })).toEqual({ kind: "new" });
      }
    });

    it("stands for its key however late, and for nothing else under that key", async () => {
      const keyed = { ...call, idempotencyKey: "once" };
      const ended = {
        state: "completed",
        charge: "spent",
        deliveredAt: 1,
        completedAt: 1,
      } as const;
      const job = leftJob({ ...keyed, ...ended });
      await admit(job);
      const late = { now: NOW + 400 * DAY_MS };
      expect(await admit(leftJob(keyed), late)).toEqual({
        ...{ kind: "duplicate", job: summaryOf(job) },
      });
      const other = leftJob({ ...keyed, fingerprint: "other" });
      const rules = { forceNew: false, limits: NO_LIMITS, now: NOW };
      await expect(admit(other)).rejects.toMatchObject({ code: "invalid_input" });
      await expect(bench.jobs.findDuplicate(other, rules)).rejects.toMatchObject({
        code: "invalid_input",
      });
    });
  });

  describe("what is told to nobody in particular", () => {
    it("is that a request is known, whoever's it is", async () => {
      await bench.add({ requestId: "z-image_1" });
      await bench.add({ requestId: "z-image_2", owner: STRANGER, state: "completed" });
      const { jobs } = await bench.another();
      for (const store of [bench.jobs, jobs]) {
        const known = ["z-image_1", "z-image_2", "z-image_3", ""].map((id) =>
          store.knowsRequest(id),
        );
        expect(await Promise.all(known)).toEqual([true, true, false, false]);
      }
    });

    it("is a digest: of the same text always the same, and of another place another", async () => {
      const digest = await bench.jobs.digest("once");
      expect(digest).not.toContain("once");
      expect(await (await bench.another()).jobs.digest("once")).toBe(digest);
      expect(await bench.jobs.digest("twice")).not.toBe(digest);
      const elsewhere = await kit.open(await kit.place());
      expect(await elsewhere.jobs.digest("once")).not.toBe(digest);
      await elsewhere.jobs.close();
    });
  });

  describe("a store", () => {
    it("has the beat of a holder without jobs only while it watches others", async () => {
      expect(await bench.jobs.beat("idle")).toEqual([]);
      await bench.jobs.beat("watcher", true);
      const job = leftJob({ baseUrl: BASE });
      await bench.jobs.admit(job, "watcher", { forceNew: true, limits: NO_LIMITS, now: NOW });
      const others = await bench.jobs.otherHolders("me", BASE);
      expect(others).toEqual([{ holder: "watcher", beat: 1 }]);
    });

    it("refuses a step that no job can take", async () => {
      const job = await bench.add({ state: "completed", charge: "spent" });
      const step = { from: "completed", to: "queued", patch: {}, now: 1 } as const;
      await expect(bench.jobs.transition(OWNER, job.jobId, step)).rejects.toMatchObject({
        code: "internal",
      });
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
    });

    it("that was closed says so, and closes twice", async () => {
      const { jobs } = await bench.another();
      await jobs.close();
      await jobs.close();
      for (const use of [
        () => jobs.get(OWNER, "job_a"),
        () => jobs.list({ owner: OWNER, limit: 1 }),
        () => jobs.beat("me"),
        () => jobs.spending(OWNER, NOW),
      ]) {
        await expect(use()).rejects.toMatchObject({ code: "storage" });
      }
    });
  });
}
