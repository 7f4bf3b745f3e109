import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { systemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Job, JobPatch, JobState } from "../../src/jobs/job.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { BASE } from "../contracts/kit.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { leftJob, NO_LIMITS, OWNER, recordJob } from "../support/rig.ts";
import { proxyTo } from "./database-proxy.ts";
import { freshDatabase } from "./fresh-database.ts";

/** The record as one replica opens it, through somebody who loses answers; and as another does. */
async function opened() {
  const url = await freshDatabase();
  const proxy = await proxyTo(url);
  const open = async (at: string, holder: string) => {
    const by = { clock: systemClock, holder, isGone: () => false };
    const stores = await openPostgres({ url: at, prepares: true, schema: "longcat_mcp" }, by);
    onTestFinished(() => stores.close());
    return stores;
  };
  const { jobs: store } = await open(proxy.url, "me");
  const { jobs: other, audit } = await open(url, "other");
  onTestFinished(() => proxy.close());
  const lose = (what: RegExp) => proxy.loseAnswer((all) => all.some((one) => what.test(one)));
  const step = (job: Pick<Job, "jobId">, from: JobState, to: JobState, patch: JobPatch = {}) =>
    store.transition(OWNER, job.jobId, { from, to, patch, now: 9, holder: "me" });
  /** A move whose answer is lost. */
  const lostStep = async (...asked: Parameters<typeof step>) => {
    lose(/UPDATE jobs/);
    await expect(step(...asked)).rejects.toMatchObject({
      ...{ code: "storage", message: expect.stringContaining("did not say whether") },
    });
    expect(proxy.hasLost()).toBe(true);
  };
  const free = () => other.takeOver("other", [], BASE);
  return { url, proxy, store, other, audit, lose, step, lostStep, free };
}

const queued = () => leftJob({ baseUrl: BASE });

/** Somebody has a job's row, and all who want to change it wait. */
async function rowHeld(url: string, jobId: string) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const looking = postgres(url, { max: 1, onnotice: () => {} });
  onTestFinished(async () => {
    await Promise.all([sql.end({ timeout: 0 }), looking.end({ timeout: 0 })]);
  });
  await sql.unsafe("BEGIN");
  await sql`SELECT 1 FROM longcat_mcp.jobs WHERE job_id = ${jobId} FOR UPDATE`;
  const waiting = async () => {
    const [row] = await looking`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return z.object({ n: z.number() }).parse(row).n;
  };
  return {
    isWaitedFor: (by = 1) => expect.poll(waiting, PATIENTLY).toBeGreaterThanOrEqual(by),
    nobodyWaits: () => expect.poll(waiting, PATIENTLY).toBe(0),
    letGo: () => sql.unsafe("COMMIT"),
  };
}

/** Tries again as long as connections are found broken. */
async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError && error.code === "storage")) throw error;
    }
  }
}

describe("a job of which nobody knows whether it was recorded", () => {
  test("is let go of if it was, and found by whoever asks for the same", async () => {
    const { store, other, lose, free } = await opened();
    const job = leftJob({ baseUrl: BASE, fingerprint: "same" });
    lose(/INTO jobs\b/);
    await expect(recordJob(store, job, "me")).rejects.toMatchObject({ code: "storage" });
    expect(await free()).toEqual([]);
    await store.beat("me");
    const rules = { forceNew: false, limits: NO_LIMITS, now: job.createdAt };
    const again = leftJob({ baseUrl: BASE, fingerprint: "same" });
    expect(await other.admit(again, "other", rules)).toMatchObject({
      ...{ kind: "duplicate", job: { jobId: job.jobId, state: "queued" } },
    });
    expect((await free()).map(({ jobId }) => jobId)).toEqual([job.jobId]);
  });

  test("is nobody's concern if it was not", async () => {
    const { proxy, store, free } = await opened();
    proxy.cut();
    const job = queued();
    await recordJob(store, job, "me").catch(() => undefined);
    await store.beat("me");
    const found = await store.get(OWNER, job.jobId);
    expect(found === undefined || found.state === "queued").toBe(true);
    expect((await free()).length).toBeLessThanOrEqual(1);
  });
});

describe("a move of which nobody knows whether it was recorded", () => {
  test("to be sent is put back by a process that has not sent it", async () => {
    const { store, other, lostStep, free } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await lostStep(job, "queued", "submitting");
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "submitting" });
    await store.beat("me");
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "queued" });
    expect((await free()).map(({ jobId }) => jobId)).toEqual([job.jobId]);
  });

  test("to its end is found when it is tried again, and others here hear of it meanwhile", async () => {
    const { store, step, lostStep } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await step(job, "queued", "submitting");
    await step(job, "submitting", "running", { requestId: `request-${job.jobId}` });
    await step(job, "running", "downloading");
    expect(await store.changes()).toEqual([]);
    // More than a row: the end is a transaction, of which all but its commit was heard.
    const end = { media: [], charge: "spent" as const, completedAt: 9 };
    await lostStep(job, "downloading", "completed", end);
    expect(await store.changes()).toMatchObject([{ jobId: job.jobId, state: "completed" }]);
    expect(await step(job, "downloading", "completed", end)).toMatchObject({ state: "completed" });
    expect(await step(job, "downloading", "completed", end)).toBeUndefined();
  });

  test("is found when it is tried again, and then is nobody's to put back", async () => {
    const { store, other, lostStep, step, free } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await lostStep(job, "queued", "submitting");
    expect(await step(job, "queued", "submitting")).toMatchObject({ state: "submitting" });
    await store.beat("me");
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "submitting" });
    expect(await free()).toEqual([]);
  });

  test("is not found when it was put back before it is tried again", async () => {
    const { store, lostStep, step } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await lostStep(job, "queued", "submitting");
    await store.beat("me");
    // It is free, and whoever takes it sends it: a try of ours begins where it is.
    const again = await step(job, "queued", "submitting");
    expect(again === undefined || again.state === "submitting").toBe(true);
  });

  test("and was not is made when it is tried again, and what is sent then is never put back", async () => {
    const { proxy, store, other, step, free } = await opened();
    for (let n = 0; n < 10; n++) {
      const job = queued();
      await recordJob(store, job, "me");
      proxy.hang();
      const lost = step(job, "queued", "submitting").catch((error: unknown) => error);
      // It is asked, and nobody hears it.
      await expect.poll(proxy.hasIgnored, PATIENTLY).toBe(true);
      proxy.goOn();
      expect(await lost).toMatchObject({ message: expect.stringContaining("did not say whether") });
      // At the same time or one after the other: the beat may be quicker.
      const again = insisting(() => step(job, "queued", "submitting"));
      if (n % 2 === 0) await again;
      const [sent] = await Promise.all([again, insisting(() => store.beat("me"))]);
      await store.beat("me");
      expect(sent).toMatchObject({ state: "submitting" });
      expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "submitting" });
      expect(await free()).toEqual([]);
    }
  });

  test("is not put back by what the server carries out late, once it is found to be ours", async () => {
    const { url, proxy, store, other, lostStep, step } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await lostStep(job, "queued", "submitting");
    const held = await rowHeld(url, job.jobId);
    // The server waits for the row with this, and does it whether anybody hears or not.
    const back = store.beat("me").catch((error: unknown) => error);
    await held.isWaitedFor();
    proxy.cut();
    await back;
    const again = insisting(() => step(job, "queued", "submitting"));
    await held.isWaitedFor(2);
    await held.letGo();
    const sent = await again;
    await held.nobodyWaits();
    const found = await other.get(OWNER, job.jobId);
    expect(sent?.state ?? "queued").toBe(found?.state);
  });

  test("with the gateway's answer is written in the end, and is never put back", async () => {
    const { store, other, lostStep, step } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await step(job, "queued", "submitting");
    const patch = { requestId: "request-1", acceptedAt: 8 };
    await lostStep(job, "submitting", "running", patch);
    await store.beat("me");
    expect(await step(job, "submitting", "running", patch)).toMatchObject({ state: "running" });
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "running", ...patch });
    expect(await other.otherHolders("other", BASE)).toMatchObject([{ holder: "me" }]);
    expect(await other.takeOver("other", [], BASE)).toEqual([]);
  });

  test("is another's once that has taken the job over", async () => {
    const { store, other, lostStep, step } = await opened();
    const job = queued();
    await recordJob(store, job, "me");
    await lostStep(job, "queued", "submitting");
    await other.takeOver("other", ["me"], BASE);
    await store.beat("me");
    expect(await step(job, "queued", "submitting")).toBeUndefined();
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "submitting" });
    expect(await other.beat("other")).toEqual([job.jobId]);
  });

  test("to the end of a job is its end, once", async () => {
    const { store, other, audit, lostStep, step } = await opened();
    const job = leftJob({ baseUrl: BASE, state: "downloading" });
    await recordJob(store, job, "me");
    const patch = { charge: "spent", costUsd: 0.1, completedAt: 9 } as const;
    await lostStep(job, "downloading", "completed", patch);
    await store.beat("me");
    await step(job, "downloading", "completed", patch);
    expect(await other.get(OWNER, job.jobId)).toMatchObject({ state: "completed", ...patch });
    const { entries } = await audit.read(0, 0, 100);
    expect(entries.filter(({ event }) => event === "job_ended")).toHaveLength(1);
  });
});

describe("jobs of which nobody knows whether they were taken over", () => {
  test.each([
    ["free ones", [], /UPDATE jobs/],
    ["those of somebody who is gone", ["gone"], /FROM holders/],
  ])("%s are gone on with by whoever has them, once", async (_, gone, what) => {
    const { proxy, store, other, lose } = await opened();
    const [left, kept] = [queued(), queued()];
    await recordJob(other, left, gone[0] ?? "other");
    if (gone.length === 0) await other.release("other");
    await recordJob(store, kept, "me");
    lose(what);
    await expect(store.takeOver("me", gone, BASE)).rejects.toMatchObject({ code: "storage" });
    expect(proxy.hasLost()).toBe(true);
    expect(await other.takeOver("other", gone, BASE)).toEqual([]);
    await store.beat("me");
    expect((await store.takeOver("me", gone, BASE)).map(({ jobId }) => jobId)).toEqual([
      left.jobId,
    ]);
    expect(await store.takeOver("me", gone, BASE)).toEqual([]);
    const step = { from: "queued", to: "submitting", patch: {}, now: 9, holder: "me" } as const;
    expect(await store.transition(OWNER, left.jobId, step)).toMatchObject({ state: "submitting" });
  });

  test("stay where they are if they were not", async () => {
    const { proxy, store, other, free } = await opened();
    const left = queued();
    await recordJob(other, left, "other");
    await other.release("other");
    proxy.cut();
    await store.takeOver("me", [], BASE).catch(() => undefined);
    const mine = await store.takeOver("me", [], BASE).catch(() => []);
    const theirs = await free();
    expect([...mine, ...theirs].map(({ jobId }) => jobId)).toEqual([left.jobId]);
  });
});

describe("a job that goes on after all, of which nobody knows whether that was recorded", () => {
  test.each([
    ["whose request was found", "unknown", "running", { isFound: true }],
    ["whose files are fetched again", "failed", "downloading", {}],
  ] as const)("%s is gone on with by whoever has it, once", async (_, from, to, more) => {
    const { proxy, store, other, lose } = await opened();
    const job = leftJob({ baseUrl: BASE, state: from, charge: "spent" });
    await recordJob(other, job, "other");
    lose(/UPDATE jobs/);
    const patch = { requestId: "request-1" };
    const step = { from, to, patch, now: 9, holder: "me", ...more };
    await expect(store.transition(OWNER, job.jobId, step)).rejects.toMatchObject({
      ...{ code: "storage", message: expect.stringContaining("did not say whether") },
    });
    expect(proxy.hasLost()).toBe(true);
    await store.beat("me");
    expect(await other.takeOver("other", [], BASE)).toEqual([]);
    expect(await store.takeOver("me", [], BASE)).toMatchObject([{ jobId: job.jobId, state: to }]);
    expect(await store.takeOver("me", [], BASE)).toEqual([]);
    const next = { from: to, to: "failed", patch: {}, now: 10 } as const;
    expect(await store.transition(OWNER, job.jobId, next)).toMatchObject({ state: "failed" });
  });

  test("or one that was bought elsewhere is gone on with as well", async () => {
    const { proxy, store, other, lose } = await opened();
    const job = leftJob({ baseUrl: BASE, state: "running", requestId: "request-1" });
    lose(/INTO jobs\b/);
    const rules = { forceNew: true, limits: NO_LIMITS, isFound: true, now: 9 };
    await expect(store.admit(job, "me", rules)).rejects.toMatchObject({ code: "storage" });
    expect(proxy.hasLost()).toBe(true);
    await store.beat("me");
    expect(await other.takeOver("other", [], BASE)).toEqual([]);
    expect(await store.takeOver("me", [], BASE)).toMatchObject([{ jobId: job.jobId }]);
  });
});
