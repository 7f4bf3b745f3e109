import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fillDisk } from "../support/full-store.ts";
import {
  accepted,
  completed,
  file,
  http,
  REQUEST_ID,
  type Reply,
  reset,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { deadOrigin, json } from "../support/raw-server.ts";
import { OWNER, openRig, until } from "../support/rig.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe("before money is spent", () => {
  it("the job is on disk, as submitting, when the gateway sees the request", async () => {
    let onDisk: Promise<unknown> | undefined;
    const look: Reply = (response, hit) => {
      const other = new SqliteJobStore(new Connection(`${rig.folder}/data`));
      onDisk = other.list({ owner: OWNER, limit: 10 }).then(async ({ jobs }) => {
        await other.close();
        accepted(response, hit);
        return jobs;
      });
    };
    const gateway = await scriptedGateway({ submit: [look] });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start();
    await rig.reached(job, "running");
    expect(await onDisk).toEqual([
      expect.objectContaining({
        jobId: job.jobId,
        state: "submitting",
        charge: "reserved",
        baseUrl: gateway.origin,
      }),
    ]);
  });

  it("nothing is sent where the result could not be kept", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    await expect(rig.start(undefined, undefined, "/etc/cat.png")).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect((await rig.runner.list({ owner: OWNER, limit: 10 })).jobs).toEqual([]);
    expect(gateway.connections).toBe(0);
  });

  it("nothing is sent where the record cannot be written", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    await rig.store.close();
    await expect(rig.start()).rejects.toMatchObject({ code: "storage" });
    await settle();
    expect(gateway.connections).toBe(0);
    vi.spyOn(rig.store, "release").mockResolvedValue();
    vi.spyOn(rig.store, "close").mockResolvedValue();
  });

  it("nothing is sent once the server is ending", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    await rig.close();
    await expect(rig.start()).rejects.toMatchObject({ code: "cancelled" });
    expect(gateway.connections).toBe(0);
  });
});

describe("an accepted purchase", () => {
  it("keeps its request id, and drops the body that can never be sent again", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(), "running");
    expect(job).toMatchObject({
      requestId: REQUEST_ID,
      charge: "reserved",
      wire: null,
      error: null,
    });
    expect(job.acceptedAt).not.toBeNull();
    expect(gateway.posts).toHaveLength(1);
  });

  it("of a synchronous operation goes straight to its picture", async () => {
    const bytes = await picture();
    const gateway = await scriptedGateway({
      submit: [
        (response, hit) =>
          json(response, 200, { images: [{ url: `http://${hit.headers["host"]}/media/a.png` }] }),
      ],
      media: [file(bytes)],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start("qwen_image_generate", { prompt: "A lake" });
    const done = await rig.reached(job, "completed");
    expect(done).toMatchObject({ requestId: null, charge: "spent", costUsd: 0.045 });
    expect(done.media).toHaveLength(1);
    expect(gateway.looks).toEqual([]);
    expect(rig.seen.map(({ state }) => state)).toEqual([
      "queued",
      "submitting",
      "downloading",
      "completed",
    ]);
  });

  it("of a synchronous operation that was queued instead is followed", async () => {
    const gateway = await scriptedGateway({
      status: [says("PROCESSING"), completed("a.png")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start("qwen_image_generate", { prompt: "A lake" });
    expect((await rig.reached(job, "completed")).media).toHaveLength(1);
  });

  it("records pictures given as data URIs by digest, and sends them whole", async () => {
    const gateway = await scriptedGateway({ submit: [http(400)] });
    const rig = await openRig({ origin: gateway.origin });
    const bytes = await picture("png", { width: 900, height: 900 });
    const image = `data:image/png;base64,${bytes.toString("base64")}`;
    const job = await rig.start("qwen_image_edit", { prompt: "A", image });
    const ended = await rig.reached(job, "failed");
    expect(gateway.posts[0]?.body).toContain(image);
    const digest = createHash("sha256").update(image).digest("hex").slice(0, 16);
    expect(ended.input["image"]).toBe(
      `data:image/png (${image.length} characters, sha256 ${digest}…)`,
    );
    expect(JSON.stringify(ended)).not.toContain(image.slice(-100));
  });
});

describe("a purchase that was not taken", () => {
  it("waits as long as it was told, then is sent once more", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({
      submit: [http(429, { error: "Too Many Requests" }, { "retry-after": "30" }), accepted],
    });
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
    const job = await rig.start();
    const waiting = await until(async () => {
      const current = await rig.get(job);
      return current.state === "queued" && current.error ? current : undefined;
    });
    expect(waiting).toMatchObject({ charge: "reserved", error: { code: "rate_limited" } });
    await clock.advance(29 * SECOND);
    expect(gateway.posts).toHaveLength(1);
    await clock.advance(SECOND);
    expect(await rig.reached(job, "running")).toMatchObject({ error: null, requestId: REQUEST_ID });
    expect(gateway.posts).toHaveLength(2);
    expect(gateway.posts[1]?.body).toBe(gateway.posts[0]?.body);
  });

  /** Lets the clock run, a little at a time, whenever the job waits for its next try. */
  async function waitItOut(clock: FakeClock, state: () => Promise<string>): Promise<void> {
    await until(async () => {
      const current = await state();
      if (current !== "queued" && current !== "submitting") return true;
      if (current === "queued" && clock.pending > 1) await clock.advance(SECOND);
      return false;
    });
  }

  it("is given up after ten minutes, unsent and uncharged", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ submit: [http(429, { error: "Too Many" })] });
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
    const job = await rig.start();
    await waitItOut(clock, async () => (await rig.get(job)).state);
    const ended = await rig.get(job);
    expect(ended).toMatchObject({
      state: "cancelled",
      charge: "none",
      wire: null,
      error: { code: "rate_limited", message: expect.stringContaining("Too Many") },
    });
    const waited = (ended.completedAt ?? 0) - job.createdAt;
    expect(waited).toBeGreaterThanOrEqual(10 * MINUTE);
    expect(waited).toBeLessThanOrEqual(10 * MINUTE + 2 * SECOND);
    const posts = gateway.posts.length;
    expect(posts).toBeGreaterThan(5);
    expect(posts).toBeLessThan(30);
    await clock.advance(60 * MINUTE);
    await settle();
    expect(gateway.posts).toHaveLength(posts);
  });

  it("is not sent after its ten minutes, however long it was told to wait", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ submit: [http(429, "", { "retry-after": "3600" })] });
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
    const job = await rig.start();
    await waitItOut(clock, async () => (await rig.get(job)).state);
    expect(await rig.get(job)).toMatchObject({ state: "cancelled", charge: "none" });
    expect(gateway.posts).toHaveLength(1);
  });

  it("is not bought late because the disk was full meanwhile", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
    const disk = fillDisk(rig.store, 1);
    const job = await rig.start();
    await clock.advance(11 * MINUTE);
    expect(rig.events.heldUpBy(job.jobId)).toContain("disk is full");
    disk.empty();
    await clock.advance(MINUTE);
    expect(await rig.reached(job, "cancelled")).toMatchObject({ charge: "none" });
    expect(gateway.connections).toBe(0);
  });

  it("where nobody listens, says that and not that there were too many requests", async () => {
    const clock = new FakeClock();
    const rig = await openRig({ origin: await deadOrigin(), clock, timeScale: 1 });
    const job = await rig.start();
    await waitItOut(clock, async () => (await rig.get(job)).state);
    expect(await rig.get(job)).toMatchObject({
      state: "cancelled",
      charge: "none",
      error: { code: "upstream_unavailable" },
    });
  });

  it("can be cancelled while it waits, and is never sent then", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({
      submit: [http(429, "", { "retry-after": "30" }), accepted],
    });
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
    const job = await rig.start();
    await until(async () => (await rig.get(job)).error !== null);
    expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({
      came: "unsent",
      job: { state: "cancelled", charge: "none", error: { code: "cancelled" } },
    });
    await clock.advance(10 * MINUTE);
    await settle();
    expect(gateway.posts).toHaveLength(1);
    expect(await rig.get(job)).toMatchObject({ state: "cancelled", wire: null });
  });
});

describe("a purchase whose outcome nobody knows", () => {
  it.each<[string, Reply, string]>([
    ["a reset", reset, "outcome_unknown"],
    ["a 502", http(502, "<title>Bad Gateway</title>"), "outcome_unknown"],
    ["a 500", http(500), "outcome_unknown"],
    ["a page", http(200, "<html></html>"), "bad_upstream_reply"],
    ["a redirect", http(307, "", { location: "https://elsewhere.example/" }), "bad_upstream_reply"],
  ])("after %s is never sent again, not by a later start either", async (_what, reply, code) => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ submit: [reply, accepted] });
    const rig = await openRig({ origin: gateway.origin, clock });
    const job = await rig.start();
    expect(await rig.reached(job, "unknown")).toMatchObject({
      charge: "uncertain",
      wire: null,
      error: { code },
    });
    await clock.advance(60 * MINUTE);
    await rig.close();
    const later = await openRig({ origin: gateway.origin, clock, folder: rig.folder });
    await clock.advance(15 * MINUTE);
    await settle();
    expect((await later.get(job)).state).toBe("unknown");
    expect(gateway.posts).toHaveLength(1);
  });
});

describe("a purchase that was refused", () => {
  it.each([
    [400, { error: "Bad Request", message: "bad size" }, "upstream_rejected"],
    [401, { message: "Access denied" }, "unauthorized"],
    [402, { error: "Insufficient Balance" }, "insufficient_credit"],
  ])("with HTTP %i costs nothing", async (status, body, code) => {
    const gateway = await scriptedGateway({ submit: [http(status, body)] });
    const rig = await openRig({ origin: gateway.origin });
    const ended = await rig.reached(await rig.start(), "failed");
    expect(ended).toMatchObject({ charge: "none", costUsd: null, wire: null, error: { code } });
    expect(ended.completedAt).not.toBeNull();
    expect(gateway.posts).toHaveLength(1);
  });

  it("by our own settings costs nothing either", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin, apiKey: "“typographic-quotes”" });
    expect(await rig.reached(await rig.start(), "failed")).toMatchObject({
      charge: "none",
      error: { code: "configuration" },
    });
    expect(gateway.connections).toBe(0);
  });
});

describe("a synchronous answer without a picture", () => {
  it("may have been charged, and is not asked for again", async () => {
    const gateway = await scriptedGateway({
      submit: [http(200, { status_code: 200, request_id: "3dac", output: { choices: [] } })],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start("qwen_image_generate", { prompt: "A lake" });
    expect(await rig.reached(job, "failed")).toMatchObject({
      charge: "uncertain",
      error: { code: "bad_upstream_reply" },
    });
    expect(gateway.posts).toHaveLength(1);
  });
});
