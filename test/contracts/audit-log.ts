import { describe, expect, it } from "vitest";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { answered } from "./turns.ts";

const MINUTE = 60_000;
const NOW = 1_795_176_000_000;
const WORDS = "Quarzsandgrube";

/** Holds an implementation of `AuditLog`, and the stores that are noted in it, to what is promised. */
export function describeAuditLog(kit: StoreKit): void {
  const bench = benchFor(kit);
  const all = async () => (await bench.audit.read(0, 0, 1000)).entries;

  describe("the audit log", () => {
    it("tells what was noted, the oldest first, from a time on and some at a time", async () => {
      const times = [1, 2, 3, 4, 5].map((n) => NOW + n);
      for (const at of times) await bench.audit.note({ at, event: "user_added", owner: "user_a" });
      const read = async (since: number, after: number, limit: number) => {
        const { entries, last } = await bench.audit.read(since, after, limit);
        return { times: entries.map(({ at }) => at - NOW), last };
      };
      const first = await read(0, 0, 2);
      expect(first.times).toEqual([1, 2]);
      expect((await read(0, first.last ?? 0, 2)).times).toEqual([3, 4]);
      const since = await read(NOW + 3, 0, 9);
      expect(since).toEqual({ times: [3, 4, 5] });
      expect((await all())[0]).toEqual({ at: NOW + 1, event: "user_added", owner: "user_a" });
    });

    it("has one entry for the refused logins of an address and a minute, whoever counts them", async () => {
      const other = await bench.another();
      const [address, minute] = ["192.0.2.7", NOW];
      await bench.audit.noteRefusals([{ address, minute, count: 2 }]);
      await other.audit.noteRefusals([
        { address, minute, count: 3 },
        { address: "192.0.2.8", minute, count: 1 },
        { address, minute: minute + MINUTE, count: 1 },
      ]);
      const event = "login_refused";
      expect(await all()).toEqual([
        { at: NOW, event, address, count: 5 },
        { at: NOW, event, address: "192.0.2.8", count: 1 },
        { at: NOW + MINUTE, event, address, count: 1 },
      ]);
    });

    it("has the whole life of a job, its money and its end, and none of its words", async () => {
      const job = await bench.add({
        charge: "reserved",
        reservedUsd: 0.2,
        input: { prompt: WORDS },
        wire: { prompt: WORDS },
      });
      const { jobId, operation: tool } = job;
      const move = (from: "queued" | "submitting" | "running" | "downloading", to: typeof from) =>
        bench.jobs.transition(OWNER, jobId, { from, to, patch: {}, now: NOW });
      await move("queued", "submitting");
      await move("submitting", "running");
      await bench.jobs.patch(OWNER, jobId, { upstreamStatus: WORDS }, NOW);
      await move("running", "downloading");
      await bench.jobs.patch(OWNER, jobId, { charge: "spent", costUsd: 0.13 }, NOW + 1);
      await bench.jobs.transition(OWNER, jobId, {
        ...{ from: "downloading", to: "completed", now: NOW + 2 },
        patch: { warnings: [WORDS] },
      });
      await bench.jobs.delete(OWNER, [jobId], { withFiles: false, now: NOW + 3 });
      const who = { owner: OWNER, tool, jobId };
      const spent = { charge: "spent", usd: 0.13 };
      expect(await all()).toEqual([
        {
          ...{ at: job.createdAt, event: "job_started", ...who },
          ...{ state: "queued", charge: "reserved", usd: 0.2 },
        },
        { at: NOW + 1, event: "job_charged", ...who, state: "downloading", ...spent },
        { at: NOW + 2, event: "job_ended", ...who, state: "completed", ...spent },
        { at: NOW + 3, event: "job_deleted", ...who, ...spent },
      ]);
      expect(JSON.stringify(await all())).not.toContain(WORDS);
    });

    it("has what was settled by hand, and what was cancelled, each as what it is", async () => {
      const doubtful = await bench.add({ state: "unknown", charge: "uncertain", reservedUsd: 0.1 });
      const queued = await bench.add({ charge: "reserved", reservedUsd: 0.1 });
      await bench.jobs.settle(OWNER, doubtful.jobId, "none", NOW + 1);
      await bench.jobs.settle(OWNER, doubtful.jobId, "spent", NOW + 2);
      await bench.jobs.transition(OWNER, queued.jobId, {
        ...{ from: "queued", to: "cancelled", now: NOW + 3 },
        patch: { charge: "none" },
      });
      const ends = (await all()).slice(2);
      expect(ends.map(({ at, event, jobId, charge }) => [at - NOW, event, jobId, charge])).toEqual([
        [1, "job_settled", doubtful.jobId, "none"],
        [2, "job_settled", doubtful.jobId, "spent"],
        [3, "job_cancelled", queued.jobId, "none"],
      ]);
    });

    it("says whose request a job was made of, and which one a job in doubt was given", async () => {
      const adopted = await bench.add({
        state: "running",
        charge: "none",
        reservedUsd: null,
        requestId: "z-image_1",
      });
      const lost = await bench.add({ state: "unknown", charge: "uncertain", reservedUsd: 0.1 });
      await bench.jobs.transition(OWNER, lost.jobId, {
        ...{ from: "unknown", to: "running", isFound: true, now: NOW + 1 },
        patch: { requestId: "z-image_2", charge: "reserved" },
      });
      const told = (await all()).filter(({ requestId }) => requestId !== undefined);
      const who = { owner: OWNER, tool: adopted.operation, state: "running" };
      expect(told).toEqual([
        {
          ...{ at: adopted.createdAt, event: "job_adopted", ...who, jobId: adopted.jobId },
          ...{ charge: "none", requestId: "z-image_1" },
        },
        {
          ...{ at: NOW + 1, event: "job_found", ...who, jobId: lost.jobId, usd: 0.1 },
          ...{ charge: "reserved", requestId: "z-image_2" },
        },
      ]);
      const events = (await all()).map(({ event }) => event);
      expect(events.filter((event) => event === "job_started")).toHaveLength(1);
    });

    it("has the deletion of a thread, and none where nothing was deleted", async () => {
      const { turn } = await answered(bench);
      const { threadId } = turn;
      await bench.threads.delete(STRANGER, threadId, NOW);
      const before = await all();
      await bench.threads.delete(OWNER, threadId, NOW + 1);
      await bench.threads.delete(OWNER, threadId, NOW + 2);
      expect(await all()).toEqual([
        ...before,
        { at: NOW + 1, event: "thread_deleted", owner: OWNER, threadId },
      ]);
      expect(before.map(({ event }) => event)).toEqual(["job_started"]);
    });

    it("has no entry for a job that was refused, and stays when jobs are forgotten", async () => {
      const job = await bench.add({
        state: "completed",
        charge: "spent",
        updatedAt: 1,
        createdAt: 1,
      });
      const rules = {
        forceNew: true,
        limits: { perDayUsd: 0, perMonthUsd: undefined, confirmAboveUsd: undefined },
        now: NOW,
      };
      const dear = { ...job, jobId: `job_${"b".repeat(26)}`, reservedUsd: 1 };
      await expect(bench.jobs.admit(dear, "me", rules)).rejects.toMatchObject({
        code: "over_budget",
      });
      const before = await all();
      expect(before.map(({ jobId }) => jobId)).toEqual([job.jobId]);
      await bench.jobs.forget(1, NOW);
      expect(await all()).toEqual(before);
    });
  });
}
