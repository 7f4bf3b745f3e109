import { describe, expect, it } from "vitest";
import { UNFINISHED_STATES } from "../../src/jobs/job.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { answered, textOf } from "./turns.ts";

const NOW = 1_795_176_000_000;
const at = { createdAt: NOW, updatedAt: NOW };
const medium = {
  ...{ index: 1, url: "https://a.example/1.png", path: "/pictures/1.png", mimeType: "image/png" },
  ...{ sizeBytes: 1, sha256: "ab", copies: [] },
};

/** Holds an implementation of `Belongings` to what is promised to whoever leaves. */
export function describeBelongings(kit: StoreKit): void {
  const bench = benchFor(kit);
  const committed = (owner = OWNER) => bench.jobs.committed(owner, NOW);
  const strangers = async () => {
    const job = leftJob({ ...at, baseUrl: BASE, owner: STRANGER, reservedUsd: 3, charge: "spent" });
    await recordJob(bench.jobs, job, "me");
    return () => bench.jobs.get(STRANGER, job.jobId);
  };

  describe("all that is an owner's", () => {
    it("is gone at once, for all processes: jobs, threads, answers, attached files, words", async () => {
      const other = await bench.another();
      const ended = { ...at, state: "completed", charge: "spent", costUsd: 0.13 } as const;
      const job = await bench.add({ ...ended, requestId: "one", media: [medium] });
      const doubtful = await bench.add({ ...at, state: "unknown", charge: "uncertain" });
      const { turn, file } = await answered(bench, { prompt: "Why?" });
      const theirs = await strangers();
      const before = await theirs();
      const wishes = { force: false, now: NOW };
      expect(await bench.belongings.remove(OWNER, wishes)).toEqual({ jobs: 3, threads: 1 });

      const { jobs, threads } = other;
      expect(await jobs.list({ owner: OWNER, limit: 10 })).toEqual({ jobs: [] });
      for (const { jobId } of [job, doubtful, turn]) {
        expect(await jobs.get(OWNER, jobId)).toBeUndefined();
        expect(await jobs.wasDeleted(OWNER, { jobId })).toBe(true);
      }
      expect((await threads.list(OWNER, 10, undefined)).threads).toEqual([]);
      expect(await threads.turn(OWNER, turn.jobId)).toBeUndefined();
      expect(await threads.said(OWNER, turn.jobId)).toEqual({ answer: "", reasoning: "" });
      expect(await threads.files(OWNER, turn.threadId)).toEqual([]);
      expect(await textOf(threads.content(OWNER, file).pieces())).toBe("");
      expect(await jobs.doomedFiles()).toEqual([
        { owner: OWNER, jobId: job.jobId, ref: "/pictures/1.png" },
      ]);
      expect(await jobs.knowsRequest("one")).toBe(true);
      expect(await theirs()).toEqual(before);
      expect(await bench.belongings.remove(OWNER, wishes)).toEqual({ jobs: 0, threads: 0 });
    });

    it("leaves the amounts: what was spent, and what may have been", async () => {
      const ended = { ...at, state: "completed" } as const;
      await bench.add({ ...ended, charge: "spent", costUsd: 0.13, reservedUsd: 0.2 });
      await bench.add({ ...at, state: "unknown", charge: "uncertain", reservedUsd: 0.5 });
      await bench.add({ ...at, state: "errored", charge: "none", reservedUsd: 9 });
      const before = await committed();
      const spent = await bench.jobs.spending(OWNER, NOW);
      await bench.belongings.remove(OWNER, { force: false, now: NOW });
      expect(await committed()).toEqual(before);
      expect(await bench.jobs.spending(OWNER, NOW)).toEqual(spent);
      expect((await bench.audit.read(0, 0, 99)).entries.map(({ event }) => event)).toEqual([
        ...["job_started", "job_started", "job_started"],
        ...["job_deleted", "job_deleted", "job_deleted"],
      ]);
    });

    it("protects nothing any more: the same call again is a new job", async () => {
      const same = {
        ...at,
        state: "completed",
        charge: "spent",
        fingerprint: "same",
        idempotencyKey: "once",
      } as const;
      await bench.add(same);
      await bench.belongings.remove(OWNER, { force: false, now: NOW });
      const again = leftJob({ ...same, baseUrl: BASE });
      const limits = { perDayUsd: undefined, perMonthUsd: undefined, confirmAboveUsd: undefined };
      const rules = { forceNew: false, now: NOW, limits };
      expect(await bench.jobs.findDuplicate(again, rules)).toBeUndefined();
    });

    it.each(UNFINISHED_STATES)("stays whole while a job is %s, unless forced", async (state) => {
      const job = await bench.add({ ...at, state, charge: "reserved", reservedUsd: 0.4 });
      const { turn } = await answered(bench);
      const refused = { code: "invalid_input", message: expect.stringContaining(job.jobId) };
      await expect(bench.belongings.requireFinished(OWNER)).rejects.toMatchObject(refused);
      const gently = bench.belongings.remove(OWNER, { force: false, now: NOW });
      await expect(gently).rejects.toMatchObject(refused);
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
      expect(await bench.threads.turn(OWNER, turn.jobId)).toBeDefined();
      await bench.belongings.requireFinished(STRANGER);

      const before = await bench.jobs.beat("me");
      expect(before).toEqual([job.jobId]);
      const { reservedUsd } = (await bench.jobs.spending(OWNER, NOW)).total;
      expect(await bench.belongings.remove(OWNER, { force: true, now: NOW })).toMatchObject({
        jobs: 2,
      });
      // Whoever followed it hears of it.
      expect(await bench.jobs.beat("me")).toEqual([]);
      // What was not sent never will be; what was may be charged.
      const uncertainUsd = state === "queued" ? reservedUsd - 0.4 : reservedUsd;
      expect((await bench.jobs.spending(OWNER, NOW)).total).toMatchObject({
        ...{ reservedUsd: 0, uncertainUsd: expect.closeTo(uncertainUsd, 6), spentUsd: 0 },
      });
      const step = { from: state, to: "submitting", patch: {}, now: NOW } as const;
      if (state === "queued") {
        expect(await bench.jobs.transition(OWNER, job.jobId, step)).toBeUndefined();
      }
    });
  });

  it("nothing is bought for a user who was revoked while the call was under way", async () => {
    const { userId } = await bench.users.add({
      ...{ userId: "user_aaaaaaaaaaaaaaaaaaaaaaaaaa", name: "ann", scopes: ["jobs:buy"] },
      ...{ caps: { perDayUsd: undefined, perMonthUsd: undefined }, subject: undefined },
      ...{ tokenHash: "ab", expiresAt: NOW + 1, now: NOW },
    });
    const record = (jobId: string) =>
      recordJob(bench.jobs, leftJob({ jobId, baseUrl: BASE, owner: userId }), "me");
    await record("job_a");
    await bench.users.revoke(userId, NOW);
    await expect(record("job_b")).rejects.toMatchObject({ code: "forbidden" });
    expect(await bench.jobs.get(userId, "job_b")).toBeUndefined();
    expect(await bench.jobs.get(userId, "job_a")).toBeDefined();
  });
}
