import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/core/clock.ts";
import { newWebhookSecret } from "../../src/core/webhook-secret.ts";
import { JOB_STATES, type WholeJob } from "../../src/jobs/job.ts";
import { takesWebhooks } from "../../src/purchases/webhook-record.ts";
import { OWNER, summaryOf } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";

const NOW = 1_795_176_000_000;
const MOST = 3;

/** Holds an implementation of `WebhookRecord` to everything that the program relies on. */
export function describeWebhookRecord(kit: StoreKit): void {
  const bench = benchFor(kit);
  const inDoubt = { state: "unknown", charge: "uncertain", createdAt: NOW } as const;
  const taker = (holder: string, more = {}) => ({
    ...{ holder, baseUrl: BASE, now: NOW, patienceMs: 1_000 },
    isGone: (one: string) => one === "gone",
    ...more,
  });
  const callFor = ({ owner, jobId }: WholeJob, requestId = "request-1") => {
    return { owner, jobId, requestId };
  };

  describe("the secret of a webhook", () => {
    it("leads to its job, as does every other one of that job, and nothing else does", async () => {
      const job = await bench.add({ state: "submitting" });
      const other = await bench.add({ state: "running", owner: STRANGER });
      const secrets = [newWebhookSecret(), newWebhookSecret()];
      for (const secret of secrets) await bench.webhooks.expect(job, secret, NOW);
      const foreign = newWebhookSecret();
      await bench.webhooks.expect(other, foreign, NOW);
      for (const secret of secrets) {
        expect(await bench.webhooks.find(secret)).toEqual({ job: summaryOf(job), holder: "me" });
      }
      expect((await bench.webhooks.find(foreign))?.job.jobId).toBe(other.jobId);
      for (const secret of [newWebhookSecret(), "", job.jobId, secrets.join("")]) {
        expect(await bench.webhooks.find(secret)).toBeUndefined();
      }
    });

    it("is expected of the job that it was made for, by its owner", async () => {
      const job = await bench.add();
      expect(await bench.webhooks.isExpected(OWNER, job.jobId)).toBe(false);
      await bench.webhooks.expect(job, newWebhookSecret(), NOW);
      expect(await bench.webhooks.isExpected(OWNER, job.jobId)).toBe(true);
      expect(await bench.webhooks.isExpected(STRANGER, job.jobId)).toBe(false);
    });

    it("is known to another process", async () => {
      const job = await bench.add();
      const secret = newWebhookSecret();
      await bench.webhooks.expect(job, secret, NOW);
      const another = await bench.another();
      expect((await another.webhooks.find(secret))?.job).toEqual(summaryOf(job));
    });

    it.each([
      ["ended", { state: "completed", charge: "spent" }],
      ["was settled", { state: "unknown", charge: "spent" }],
      ["is in doubt for too long", { ...inDoubt, createdAt: NOW - 8 * DAY_MS }],
    ] as const)("is forgotten once its job %s", async (_, change) => {
      const kept = await bench.add({ state: "running", createdAt: NOW - 9 * DAY_MS });
      const doubtful = await bench.add(inDoubt);
      const over = await bench.add(change);
      const secrets = new Map<WholeJob, string>();
      for (const job of [kept, doubtful, over]) {
        secrets.set(job, newWebhookSecret());
        await bench.webhooks.expect(job, secrets.get(job) ?? "", NOW);
      }
      await bench.webhooks.sweep(NOW);
      const isKnown = async (job: WholeJob) =>
        (await bench.webhooks.find(secrets.get(job) ?? "")) !== undefined;
      expect(await isKnown(kept)).toBe(true);
      expect(await isKnown(doubtful)).toBe(true);
      expect(await isKnown(over)).toBe(false);
    });

    it("goes with its job", async () => {
      const job = await bench.add({ state: "completed", charge: "spent" });
      const secret = newWebhookSecret();
      await bench.webhooks.expect(job, secret, NOW);
      await bench.jobs.delete(OWNER, [job.jobId], { withFiles: false, now: NOW });
      expect(await bench.webhooks.find(secret)).toBeUndefined();
      expect(await bench.webhooks.isExpected(OWNER, job.jobId)).toBe(false);
    });
  });

  describe("a webhook that came", () => {
    it("is taken by the process that follows its job, once", async () => {
      const job = await bench.add({ state: "submitting" });
      await bench.webhooks.note(callFor(job), undefined, MOST, NOW);
      const another = await bench.another();
      expect(await another.webhooks.take(taker("you"))).toEqual([]);
      expect(await another.webhooks.take(taker("me"))).toEqual([callFor(job)]);
      expect(await bench.webhooks.take(taker("me"))).toEqual([]);
    });

    it("is anybody's at the base of a job in doubt", async () => {
      const job = await bench.add(inDoubt);
      await bench.webhooks.note(callFor(job), undefined, MOST, NOW);
      expect(await bench.webhooks.take(taker("you", { baseUrl: "https://else" }))).toEqual([]);
      const [one, two] = await Promise.all(
        ["one", "two"].map((holder) => bench.webhooks.take(taker(holder))),
      );
      expect([...(one ?? []), ...(two ?? [])]).toEqual([callFor(job)]);
    });

    it("is free again when whoever took it is gone, or was not done with it for long", async () => {
      const job = await bench.add(inDoubt);
      await bench.webhooks.note(callFor(job), "gone", MOST, NOW);
      expect(await bench.webhooks.take(taker("one"))).toEqual([callFor(job)]);
      expect(await bench.webhooks.take(taker("two", { now: NOW + 1_000 }))).toEqual([]);
      expect(await bench.webhooks.take(taker("two", { now: NOW + 1_001 }))).toEqual([callFor(job)]);
    });

    it("is noted once, and of one job not too many are", async () => {
      const job = await bench.add({ state: "submitting" });
      for (const n of [1, 1, 2, 3, 4, 5]) {
        await bench.webhooks.note(callFor(job, `request-${n}`), undefined, MOST, NOW);
      }
      const other = await bench.add({ state: "submitting" });
      await bench.webhooks.note(callFor(other), undefined, MOST, NOW);
      const taken = await bench.webhooks.take(taker("me"));
      expect(taken.map(({ jobId, requestId }) => `${jobId} ${requestId}`).sort()).toEqual(
        [...[1, 2, 3].map((n) => `${job.jobId} request-${n}`), `${other.jobId} request-1`].sort(),
      );
    });

    it("is forgotten when it was dealt with, alone or with all of its job", async () => {
      const job = await bench.add({ state: "submitting" });
      for (const n of [1, 2, 3]) {
        await bench.webhooks.note(callFor(job, `request-${n}`), undefined, MOST, NOW);
      }
      await bench.webhooks.done(callFor(job, "request-2"));
      const left = await bench.webhooks.take(taker("me"));
      expect(left.map(({ requestId }) => requestId)).toEqual(["request-1", "request-3"]);
      await bench.webhooks.done({ owner: OWNER, jobId: job.jobId });
      await bench.webhooks.note(callFor(job), undefined, MOST, NOW);
      expect(await bench.webhooks.take(taker("me"))).toEqual([callFor(job)]);
    });
  });

  it("what takes webhooks: until its end, or in doubt for seven days", () => {
    const takes = (state: WholeJob["state"], charge: WholeJob["charge"], ageMs = 0) =>
      takesWebhooks({ state, charge, createdAt: NOW - ageMs }, NOW);
    const open = JOB_STATES.filter((state) => takes(state, "reserved", 30 * DAY_MS));
    expect(open).toEqual(["queued", "submitting", "running", "downloading"]);
    expect(takes("unknown", "uncertain", 7 * DAY_MS - 1)).toBe(true);
    expect(takes("unknown", "uncertain", 7 * DAY_MS)).toBe(false);
    expect(takes("unknown", "spent")).toBe(false);
    expect(takes("unknown", "none")).toBe(false);
  });

  describe("a request that was found", () => {
    const step = { from: "unknown", to: "running", isFound: true, now: NOW } as const;
    const give = (job: WholeJob, requestId: string) =>
      bench.jobs.transition(job.owner, job.jobId, { ...step, patch: { requestId } });

    it("is given to one job of all owners'", async () => {
      const [one, two] = [
        await bench.add(inDoubt),
        await bench.add({ ...inDoubt, owner: STRANGER }),
      ];
      expect(await give(one, "request-1")).toMatchObject({ requestId: "request-1" });
      expect(await give(two, "request-1")).toBeUndefined();
      expect(await bench.jobs.get(STRANGER, two.jobId)).toEqual(two);
      expect(await give(two, "request-2")).toMatchObject({ requestId: "request-2" });
    });

    it("is not that of a job that was deleted", async () => {
      const over = { state: "completed", charge: "spent", requestId: "request-1" } as const;
      const deleted = await bench.add(over);
      await bench.jobs.delete(OWNER, [deleted.jobId], { withFiles: false, now: NOW });
      const job = await bench.add(inDoubt);
      expect(await give(job, "request-1")).toBeUndefined();
    });

    it("may be the job's own, which was given up", async () => {
      const job = await bench.add({ ...inDoubt, requestId: "request-1" });
      expect(await give(job, "request-1")).toMatchObject({ state: "running" });
    });

    it("keeps no job from the one that its own submit was answered with", async () => {
      const found = await bench.add(inDoubt);
      await give(found, "request-1");
      const own = await bench.add({ state: "submitting" });
      const accepted = { from: "submitting", to: "running", now: NOW } as const;
      const patch = { requestId: "request-1" };
      expect(await bench.jobs.transition(OWNER, own.jobId, { ...accepted, patch })).toMatchObject({
        state: "running",
        requestId: "request-1",
      });
    });
  });
}
