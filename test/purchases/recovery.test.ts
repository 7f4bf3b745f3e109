import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../src/jobs/deduplication.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fillDisk } from "../support/full-store.ts";
import { completed, file, REQUEST_ID, says, scriptedGateway } from "../support/gateway-script.ts";
import { operation } from "../support/operations.ts";
import { picture } from "../support/pictures.ts";
import { CALLER, CAT, leftJob, OWNER, openRig, recordJob, until } from "../support/rig.ts";

const SECOND = 1_000;

const MINUTE = 60 * SECOND;

const GONE = "gone";

const isGone = (holder: string) => holder === GONE;

/** Starts on a data folder in which a process that is gone left this job. */
async function startWith(
  gateway: { origin: string },
  change: Partial<WholeJob>,
  options: { clock?: FakeClock; ephemeral?: boolean } = {},
) {
  const job = leftJob({ baseUrl: gateway.origin, ...change });
  const rig = await openRig({
    origin: gateway.origin,
    isGone,
    ...options,
    before: async (store) => {
      const { fingerprint } = job;
      const kept = fingerprint === null ? null : await store.digest(fingerprint);
      await recordJob(store, { ...job, fingerprint: kept }, GONE);
    },
  });
  return { rig, job };
}

describe("what an earlier process left", () => {
  it("unsent and young is sent, once, to its end", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const createdAt = Date.now() - 5 * MINUTE;
    const { rig, job } = await startWith(gateway, { state: "queued", createdAt });
    await rig.reached(job, "completed");
    expect(gateway.posts).toHaveLength(1);
    expect(JSON.parse(gateway.posts[0]?.body ?? "")).toEqual(job.wire);
  });

  it("is taken up once a full disk has room; until then it can be read", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const job = leftJob({ baseUrl: gateway.origin, state: "running", requestId: REQUEST_ID });
    let disk: ReturnType<typeof fillDisk> | undefined;
    const rig = await openRig({
      origin: gateway.origin,
      clock,
      isGone,
      before: async (store) => {
        await recordJob(store, job, GONE);
        disk = fillDisk(store);
      },
    });
    expect((await rig.get(job)).state).toBe("running");
    await clock.advance(30 * SECOND);
    expect(gateway.connections).toBe(0);
    disk?.empty();
    await clock.advance(30 * SECOND);
    await until(() => gateway.looks.length > 0);
  });

  it("unsent and old is never bought late", async () => {
    const gateway = await scriptedGateway({});
    const createdAt = Date.now() - 10 * MINUTE;
    const { rig, job } = await startWith(gateway, { state: "queued", createdAt });
    expect(await rig.get(job)).toMatchObject({
      state: "cancelled",
      charge: "none",
      wire: null,
      error: { code: "cancelled" },
    });
    await rig.quiet();
    expect(gateway.connections).toBe(0);
  });

  it("in flight is unknown, and never sent again", async () => {
    const gateway = await scriptedGateway({});
    const { rig, job } = await startWith(gateway, { state: "submitting" });
    expect(await rig.get(job)).toMatchObject({
      state: "unknown",
      charge: "uncertain",
      wire: null,
      error: { code: "outcome_unknown" },
    });
    await rig.quiet();
    expect(gateway.connections).toBe(0);
  });

  it("running is looked at at once, however long its pace", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ status: [says("PROCESSING")] });
    const { rig } = await startWith(
      gateway,
      { state: "running", requestId: REQUEST_ID, wire: null, createdAt: clock.now() },
      { clock },
    );
    await clock.advance(1);
    await rig.quiet();
    expect(gateway.looks).toHaveLength(1);
    expect(gateway.posts).toEqual([]);
  });

  it("running goes on to its files", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const { rig, job } = await startWith(gateway, { state: "running", requestId: REQUEST_ID });
    expect(await rig.reached(job, "completed")).toMatchObject({ charge: "spent", costUsd: 0.13 });
    expect(gateway.posts).toEqual([]);
  });

  it("downloading goes on with what is missing", async () => {
    const gateway = await scriptedGateway({ media: [file(await picture())] });
    const have = {
      index: 1,
      url: `${gateway.origin}/media/a`,
      path: "/somewhere/a.png",
      mimeType: "image/png",
      sizeBytes: 1,
      sha256: "ab",
      copies: [],
    };
    const { rig, job } = await startWith(gateway, {
      state: "downloading",
      requestId: REQUEST_ID,
      mediaUrls: [`${gateway.origin}/media/a`, `${gateway.origin}/media/b`],
      media: [have],
    });
    const done = await rig.reached(job, "completed");
    expect(done.media).toEqual([have, expect.objectContaining({ index: 2 })]);
    expect(gateway.fetches.map((hit) => hit.path)).toEqual(["/media/b"]);
    expect(gateway.posts).toEqual([]);
  });

  it.each(["completed", "failed", "errored", "unknown", "cancelled"] as const)(
    "%s is left as it is",
    async (state) => {
      const gateway = await scriptedGateway({});
      const { rig, job } = await startWith(gateway, { state });
      expect(await rig.get(job)).toEqual(job);
      await rig.quiet();
      expect(gateway.connections).toBe(0);
    },
  );

  it.each(["queued", "submitting", "running", "downloading"] as const)(
    "%s for another gateway is not touched",
    async (state) => {
      const other = await scriptedGateway({});
      const gateway = await scriptedGateway({});
      const clock = new FakeClock();
      const { rig, job } = await startWith(
        gateway,
        { state, baseUrl: other.origin, requestId: REQUEST_ID },
        { clock },
      );
      await clock.advance(MINUTE);
      await rig.quiet();
      expect(await rig.get(job)).toEqual(job);
      expect(gateway.connections + other.connections).toBe(0);
    },
  );

  it("is told of once, in the first answer after it", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const { rig, job } = await startWith(gateway, { state: "running", requestId: REQUEST_ID });
    const own = await rig.start();
    await rig.reached(job, "completed");
    await rig.reached(own, "completed");
    const mention = await rig.runner.untold.of(OWNER);
    expect(mention.map((one) => one.jobId)).toEqual([job.jobId]);
    await rig.runner.untold.noteMentioned(OWNER, mention);
    expect(await rig.runner.untold.of(OWNER)).toEqual([]);
  });

  it("that was only mentioned is not bought again by the client that lost its answer", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const one = operation("longcat_image_generate");
    const prepared = one.prepare(CAT);
    const { rig, job } = await startWith(
      gateway,
      {
        state: "running",
        requestId: REQUEST_ID,
        createdAt: clock.now(),
        fingerprint: fingerprintOf(one.name, prepared.wire),
      },
      { clock },
    );
    await clock.advance(1);
    await rig.reached(job, "completed");
    await rig.runner.untold.noteMentioned(OWNER, await rig.runner.untold.of(OWNER));
    expect(await rig.runner.untold.of(OWNER)).toEqual([]);
    clock.jump(25 * SECOND);
    const again = await rig.runner.start(rig.purchases, CALLER, {
      operation: one,
      given: prepared,
    });
    expect(again).toMatchObject({ job: { jobId: job.jobId }, isDuplicate: true });
    expect(gateway.posts).toEqual([]);
  });

  it("is not told of once its result has been given", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const { rig, job } = await startWith(gateway, { state: "running", requestId: REQUEST_ID });
    await rig.runner.markDelivered(await rig.reached(job, "completed"));
    expect(await rig.runner.untold.of(OWNER)).toEqual([]);
  });
});

describe("jobs that ended long ago", () => {
  const NOW = Date.parse("2026-11-20T12:00:00Z");
  const DAY = 24 * 60 * MINUTE;
  const ended = (createdAt: number) =>
    ({ createdAt, updatedAt: createdAt, state: "completed", charge: "spent" }) as const;

  async function startWithOldJobs(keepJobsDays?: number) {
    const gateway = await scriptedGateway({});
    const clock = new FakeClock(NOW);
    const jobs = [40, 31.5, 2, 0].map((days) =>
      leftJob({ baseUrl: gateway.origin, ...ended(NOW - days * DAY) }),
    );
    const rig = await openRig({
      origin: gateway.origin,
      clock,
      ...(keepJobsDays === undefined ? {} : { keepJobsDays }),
      before: async (store) => {
        for (const job of jobs) await recordJob(store, job, GONE);
      },
    });
    const left = async () => (await rig.store.list({ owner: OWNER, limit: 9 })).jobs.length;
    return { rig, clock, left };
  }

  it("are kept for ever by default", async () => {
    const { left } = await startWithOldJobs();
    expect(await left()).toBe(4);
  });

  it("are forgotten at the start and every day, if that is wanted", async () => {
    const { rig, clock, left } = await startWithOldJobs(32);
    expect(await left()).toBe(3);
    await recordJob(rig.store, leftJob({ baseUrl: "", ...ended(NOW + 2 * DAY) }), GONE);
    await recordJob(rig.store, leftJob({ baseUrl: "", ...ended(NOW + 4 * DAY) }), GONE);
    clock.sleep(4 * DAY);
    await clock.advance(0);
    expect(await left()).toBe(4);
  });
});

describe("what a sandbox of an earlier process left", () => {
  it.each([
    ["queued", "cancelled"],
    ["submitting", "errored"],
    ["running", "errored"],
    ["downloading", "errored"],
  ] as const)("%s ends as %s and costs nothing", async (state, end) => {
    const gateway = await scriptedGateway({});
    const before = "http://127.0.0.1:9";
    const { rig, job } = await startWith(gateway, { state, baseUrl: before }, { ephemeral: true });
    expect(await rig.get(job)).toMatchObject({ state: end, charge: "none", wire: null });
    expect(gateway.connections).toBe(0);
  });
});
