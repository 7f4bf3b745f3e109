import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chunk, openChatRig, stream, threadOf } from "../support/chat-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { OWNER, until } from "../support/rig.ts";

/** A platform that begins an answer, with so many words, and never ends it. */
async function talking(...words: string[]) {
  const open: ServerResponse[] = [];
  const ended: ServerResponse[] = [];
  const server = await rawServer((_hit, response) => {
    if (open.length > 0) return stream(response, chunk("Gone on."));
    open.push(response);
    response.on("close", () => ended.push(response));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    for (const word of words) response.write(chunk(word));
  });
  return { ...server, ended };
}

/** Long enough that what is held back at its end, lest a key be cut in two, leaves a beginning. */
const TALE = "Once upon a time there was a whale. ".repeat(20).trim();

describe("a turn that nobody wants any more", () => {
  it("keeps what had come as partial, frees its thread, and leaves the connection", async () => {
    const server = await talking(TALE);
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("A long tale", { saveTo: "allowed/tale.txt" });
    await until(() => (rig.delegate.live(job.jobId)?.characters ?? 0) > 0);
    const { came } = await rig.runner.cancel(OWNER, job.jobId);
    expect(came).toBe("stopped");
    expect(await rig.get(job)).toMatchObject({ state: "completed", error: null, charge: "none" });
    const turn = await rig.threads.turn(OWNER, job.jobId);
    expect(turn).toMatchObject({
      isOpen: false,
      outcome: { brokeOff: expect.stringMatching(/stopped/) },
    });
    expect(await rig.threads.said(OWNER, job.jobId)).toMatchObject({ answer: TALE });
    expect(await readFile(join(rig.folder, "allowed", "tale.txt"), "utf8")).toBe(TALE);
    await until(() => server.ended.length === 1);
    const next = await rig.ask("Go on", { threadId: threadOf(job) });
    await rig.reached(next, "completed");
    expect(server.hits.at(-1)?.body).toContain(TALE);
  });

  it("is cancelled where nothing had come: before the first word", async () => {
    const server = await talking();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.reached(await rig.ask("Well?"), "running");
    expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({
      came: "stopped",
      job: { state: "cancelled", charge: "none", error: { code: "cancelled" } },
    });
    expect((await rig.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    await rig.reached(await rig.ask("Well?", { threadId: threadOf(job) }), "completed");
    expect(server.hits).toHaveLength(2);
  });

  it("is cancelled where nothing had come: before the platform has taken it", async () => {
    let hits = 0;
    const server = await rawServer(() => {
      hits++;
    });
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Well?");
    await until(() => hits === 1);
    expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({
      came: "stopped",
      job: { state: "cancelled" },
    });
    await rig.quiet();
    expect(hits).toBe(1);
  });

  it("is cancelled in a pause between two tries, and not tried again", async () => {
    const clock = new FakeClock();
    const server = await rawServer((_hit, response) => json(response, 429, { error: "busy" }));
    const rig = await openChatRig({ origin: server.origin, clock, timeScale: 1 });
    const job = await rig.ask("Now?");
    await until(async () => (await rig.get(job)).error !== null);
    expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({ came: "unsent" });
    await clock.advance(120_000);
    expect(server.hits).toHaveLength(1);
    expect((await rig.get(job)).state).toBe("cancelled");
  });

  it("stops in whatever process it is answered", async () => {
    const server = await talking(TALE);
    const first = await openChatRig({ origin: server.origin, holder: "first" });
    const second = await openChatRig({
      origin: server.origin,
      holder: "second",
      folder: first.folder,
    });
    const job = await first.ask("A long tale");
    await until(() => (first.delegate.live(job.jobId)?.characters ?? 0) > 0);
    expect((await second.runner.cancel(OWNER, job.jobId)).came).toBe("stopped");
    expect((await second.get(job)).state).toBe("completed");
    expect(await second.threads.said(OWNER, job.jobId)).toMatchObject({ answer: TALE });
  });

  it("is stopped for its owner only, and not once it has ended", async () => {
    const server = await talking(TALE);
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("A tale");
    await until(() => (rig.delegate.live(job.jobId)?.characters ?? 0) > 0);
    await expect(rig.runner.cancel("another", job.jobId)).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await rig.get(job)).state).toBe("running");
    await rig.runner.cancel(OWNER, job.jobId);
    expect((await rig.runner.cancel(OWNER, job.jobId)).came).toBe("too_late");
  });
});
