import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { JobPatch, JobState, WholeJob } from "../../src/jobs/job.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import type { Stores } from "../../src/storage/rows/whole-record.ts";
import { BASE } from "../contracts/kit.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { StrikingProxy } from "./striking-proxy.ts";

/*
 * What a server carries out long after it was given up: nobody hears of it, and whoever asked has
 * gone on meanwhile.
 */

let url = "";
let proxy: StrikingProxy;
let me: Stores;
let other: JobStore;
beforeAll(async () => {
  url = await freshDatabase();
  proxy = await StrikingProxy.to(url);
  const open = (at: string, holder: string) => {
    const by = { clock: systemClock, holder, isGone: () => false };
    return openPostgres({ url: at, prepares: true, schema: "longcat_mcp" }, by);
  };
  me = await open(proxy.url, "me");
  const stores = await open(url, "other");
  other = stores.jobs;
  return async () => {
    await me.close();
    await stores.close();
    await proxy.close();
  };
});
beforeEach(async () => {
  await proxy.letGo();
  await ask(url, "SET search_path TO longcat_mcp; DELETE FROM jobs; DELETE FROM holders");
  await me.jobs.beat("me");
});

const step = (job: WholeJob, from: JobState, to: JobState, patch: JobPatch = {}) =>
  me.jobs.transition(OWNER, job.jobId, { from, to, patch, now: 9, holder: "me" });

/** Something whose only message like this arrives when it is let go. */
async function late(likeThis: RegExp, asked: () => Promise<unknown>): Promise<void> {
  proxy.strike({ isMeant: (message) => likeThis.test(message), nth: 1, blow: "late" });
  await expect(asked()).rejects.toMatchObject({
    ...{ code: "storage", message: expect.stringContaining("did not say whether") },
  });
  expect(proxy.hasStruck).toBe(true);
}

const stateOf = async (job: WholeJob) => (await other.get(OWNER, job.jobId))?.state;
const free = async () => (await other.takeOver("other", [], BASE)).map(({ jobId }) => jobId);

/** What is gone on with, as each round does. */
async function round(): Promise<string[]> {
  await me.jobs.beat("me");
  return (await me.jobs.takeOver("me", [], BASE)).map(({ jobId }) => jobId);
}

async function recorded(change: Partial<WholeJob> = {}): Promise<WholeJob> {
  const job = leftJob({ baseUrl: BASE, ...change });
  await recordJob(me.jobs, job, "me");
  return job;
}

describe("a job that is recorded late", () => {
  test("is let go of as one that was recorded at once", async () => {
    const job = leftJob({ baseUrl: BASE });
    await late(/^commit after .*INTO job_words/, () => recordJob(me.jobs, job, "me"));
    proxy.asked = [];
    const beat = me.jobs.beat("me");
    // It waits for what may still come.
    await expect.poll(() => proxy.asked.join(), PATIENTLY).toContain("pg_advisory_xact_lock");
    await proxy.letGo();
    await beat;
    expect(await free()).toEqual([job.jobId]);
  });

  test("or never, is nobody's", async () => {
    const job = leftJob({ baseUrl: BASE });
    const isMeant = (message: string) => message.startsWith("commit after ");
    proxy.strike({ isMeant, nth: 1, blow: "lost" });
    await expect(recordJob(me.jobs, job, "me")).rejects.toMatchObject({ code: "storage" });
    await me.jobs.beat("me");
    expect(await free()).toEqual([]);
  });
});

describe("a move that is made late", () => {
  test("to be sent, is not made once the provider has refused the job", async () => {
    const job = await recorded();
    await late(/^queued submitting UPDATE jobs/, () => step(job, "queued", "submitting"));
    await step(job, "queued", "submitting");
    await step(job, "submitting", "queued");
    await proxy.letGo();
    expect(await stateOf(job)).toBe("queued");
    expect(await step(job, "queued", "submitting")).toMatchObject({ state: "submitting" });
  });

  test("to be sent, is not made once the job was let go of", async () => {
    const job = await recorded();
    await late(/^queued submitting UPDATE jobs/, () => step(job, "queued", "submitting"));
    await me.jobs.beat("me");
    await proxy.letGo();
    expect(await stateOf(job)).toBe("queued");
    expect(await free()).toEqual([job.jobId]);
  });

  test("back to wait, is not made while the job is being sent again", async () => {
    const job = await recorded();
    await step(job, "queued", "submitting");
    await late(/^queued submitting UPDATE jobs/, () => step(job, "submitting", "queued"));
    await step(job, "submitting", "queued");
    await step(job, "queued", "submitting");
    await proxy.letGo();
    expect(await stateOf(job)).toBe("submitting");
    const patch = { requestId: "request-1", acceptedAt: 8 };
    expect(await step(job, "submitting", "running", patch)).toMatchObject({ state: "running" });
  });

  test("does not keep the next ones from being made, however often the way there is lost", async () => {
    const job = await recorded();
    await late(/^queued submitting UPDATE jobs/, () => step(job, "queued", "submitting"));
    for (const blow of ["unanswered", "lost", "unanswered"] as const) {
      const isMeant = (message: string) => message.startsWith("UPDATE jobs SET fence");
      proxy.strike({ isMeant, nth: 1, blow });
      await expect(step(job, "queued", "submitting")).rejects.toMatchObject({ code: "storage" });
    }
    expect(await step(job, "queued", "submitting")).toMatchObject({ state: "submitting" });
    expect(await step(job, "submitting", "failed")).toMatchObject({ state: "failed" });
    expect(await stateOf(job)).toBe("failed");
  });

  test("from an end, is gone on with by whoever has the job then", async () => {
    const job = await recorded({ state: "failed" });
    await late(/^(?:commit after |downloading failed UPDATE jobs)/, () =>
      step(job, "failed", "downloading"),
    );
    // Nothing of it is to be seen yet.
    expect(await round()).toEqual([]);
    await proxy.letGo();
    const there = await stateOf(job);
    expect(await round()).toEqual(there === "downloading" ? [job.jobId] : []);
  });
});

describe("jobs that are taken over late", () => {
  test.each([
    ["free ones", [], /SET lease_holder = \$1, orphaned/],
    ["those of somebody who is gone", ["gone"], /^commit after /],
  ])("%s, are gone on with by whoever has them", async (_, gone, likeThis) => {
    // So that it shows that it lives.
    await recorded();
    await me.jobs.beat("me");
    await me.jobs.beat("me");
    const left = leftJob({ baseUrl: BASE });
    await recordJob(other, left, gone[0] ?? "other");
    if (gone.length === 0) await other.release("other");
    await late(likeThis, () => me.jobs.takeOver("me", gone, BASE));
    // Nothing of it is to be seen yet: those that are elsewhere are nobody's here.
    expect(await me.jobs.takeOver("me", [], "https://elsewhere.example")).toEqual([]);
    await proxy.letGo();
    expect([...(await round()), ...(await round())]).toEqual([left.jobId]);
    expect(await round()).toEqual([]);
  });
});

test("what was said of an answer late, takes nothing away from it", async () => {
  const turn = {
    ...{ jobId: "job_a", threadId: "thread_a", title: "Hello", now: 9 },
    request: { prompt: "Hello", model: "m", format: "openai" as const },
  };
  await me.threads.begin(OWNER, turn);
  const say = (answer: string) => me.threads.append(OWNER, "job_a", 0, { answer, reasoning: "" });
  await late(/INTO chat_parts/, () => say("One"));
  await say("One, two");
  await proxy.letGo();
  expect(await me.threads.said(OWNER, "job_a")).toMatchObject({ answer: "One, two" });
});
