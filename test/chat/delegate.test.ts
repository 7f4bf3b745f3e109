import { mkdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { attachFiles } from "../../src/chat/attachments.ts";
import { systemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { newJobId } from "../../src/core/ids.ts";
import type { Job } from "../../src/jobs/job.ts";
import { chunk, openChatRig, stream } from "../support/chat-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fillDisk } from "../support/full-store.ts";
import { deadOrigin, type Hit, json, rawServer } from "../support/raw-server.ts";
import { leftJob, OWNER, recordJob, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const bodySchema = z.looseObject({
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
const messagesOf = (hit: Hit | undefined) => bodySchema.parse(JSON.parse(hit?.body ?? "")).messages;
const posts = (hits: readonly Hit[]) => hits.filter((hit) => hit.method === "POST");
const threadOf = (job: Job) => String(job.threadId);

/** A platform that says "Answer n." to the n-th question. */
async function answering() {
  let count = 0;
  return rawServer((hit, response) => {
    if (hit.method === "GET") return json(response, 200, { id: "m", context_length: 1_048_576 });
    return stream(response, chunk(`Answer ${++count}.`, "stop"));
  });
}

/** A platform that leaves each answer to the test. */
async function held() {
  const responses: ServerResponse[] = [];
  const server = await rawServer((_hit, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    responses.push(response);
  });
  return { ...server, next: () => until(() => responses.shift(), "a question") };
}

describe("a turn", () => {
  it("is a job that goes through the states of a job", async () => {
    const { origin } = await answering();
    const rig = await openChatRig({ origin });
    const job = await rig.ask("What?");
    const done = await rig.reached(job, "completed");
    expect(rig.seen.map(({ state }) => state)).toEqual([
      "queued",
      "submitting",
      "running",
      "downloading",
      "completed",
    ]);
    expect(done).toMatchObject({ operation: "longcat_chat", charge: "none", costUsd: null });
    expect(await rig.threads.said(OWNER, job.jobId)).toEqual({
      answer: "Answer 1.",
      reasoning: "",
    });
    expect((await rig.threads.turn(OWNER, job.jobId))?.outcome).toEqual({
      model: "LongCat-2.0-Preview",
      finishReason: "stop",
    });
  });

  it("is on disk before it is sent", async () => {
    const folder = await tempDir();
    const seen: unknown[] = [];
    const { origin } = await rawServer(async (_hit, response) => {
      const other = await openChatRig({ origin: "http://127.0.0.1:9", folder, holder: "other" });
      const { jobs } = await other.store.list({ owner: OWNER, limit: 1 });
      seen.push(
        jobs[0]?.state,
        (await other.threads.turn(OWNER, jobs[0]?.jobId ?? ""))?.request.prompt,
      );
      await other.close();
      stream(response, chunk("Yes."));
    });
    const rig = await openChatRig({ origin, folder });
    await rig.reached(await rig.ask("Recorded?"), "completed");
    expect(seen).toEqual(["submitting", "Recorded?"]);
  });

  it("carries what the thread has said before, and its system text", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.ask("One?", { system: "Be brief." });
    await rig.reached(first, "completed");
    const second = await rig.ask("Two?", { threadId: threadOf(first) });
    await rig.reached(second, "completed");
    expect(messagesOf(server.hits[1])).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "One?" },
      { role: "assistant", content: "Answer 1." },
      { role: "user", content: "Two?" },
    ]);
  });

  it("carries them in Anthropic's format as well", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.ask("One?", { system: "Be brief." });
    await rig.reached(first, "completed");
    const more = { threadId: threadOf(first), format: "anthropic" as const, thinking: false };
    await rig.reached(await rig.ask("Two?", more), "completed");
    expect(JSON.parse(server.hits[1]?.body ?? "")).toEqual({
      model: "LongCat-2.0-Preview",
      stream: true,
      system: "Be brief.",
      thinking: { type: "disabled" },
      messages: [
        { role: "user", content: "One?" },
        { role: "assistant", content: "Answer 1." },
        { role: "user", content: "Two?" },
      ],
    });
  });

  it("leaves out of the history what was never answered", async () => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      ++count === 1
        ? json(response, 400, { error: { message: "no" } })
        : stream(response, chunk("Yes.")),
    );
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.ask("Bad?");
    await rig.reached(first, "failed");
    const second = await rig.ask("Good?", { threadId: threadOf(first) });
    await rig.reached(second, "completed");
    expect(messagesOf(server.hits[1])).toEqual([{ role: "user", content: "Good?" }]);
  });

  it("goes along with the next question when its answer was empty", async () => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      stream(response, chunk(++count === 1 ? "" : `Answer ${count}.`, "stop")),
    );
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.ask("One?", { system: "Be brief." });
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    await rig.reached(await rig.ask("Two?", { threadId }), "completed");
    await rig.reached(await rig.ask("Three?", { threadId }), "completed");
    expect(messagesOf(server.hits[2])).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "One?\n\nTwo?" },
      { role: "assistant", content: "Answer 2." },
      { role: "user", content: "Three?" },
    ]);
  });

  it("loses control and bidirectional characters, and no half of a character", async () => {
    const [high, low] = ["\ud83d", "\udc0b"];
    const { origin } = await rawServer((_hit, response) =>
      stream(
        response,
        chunk("a\u0007b\u001b[31mc\u202Ed\r\n\te"),
        chunk(`f${high}`),
        chunk(`${low}g\u{E0041}h`),
      ),
    );
    const rig = await openChatRig({ origin });
    const job = await rig.reached(await rig.ask("Odd?"), "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("ab[31mcd\n\tef🐋gh");
  });
});

describe("an answer that is still coming", () => {
  it("is on disk within a second, and told about at once", async () => {
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock });
    const told: string[] = [];
    rig.events.subscribeToAll((job) => told.push(job.state));
    const job = await rig.ask("Long?");
    const response = await server.next();
    await rig.reached(job, "running");
    const before = told.length;
    response.write(chunk("First"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 5);
    expect(told.length).toBe(before + 1);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("");
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First");

    response.write(chunk(" second"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 12);
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First second");
    response.end("data: [DONE]\n\n");
    await rig.reached(job, "completed");
  });

  it("is kept as partial when the stream is cut", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Cut?");
    const response = await server.next();
    response.write(chunk("Half an"), () => response.destroy());
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("Half an");
    expect((await rig.threads.turn(OWNER, job.jobId))?.outcome?.brokeOff).toMatch(
      /^The answer broke off/,
    );
    expect(server.hits).toHaveLength(1);
  });

  it("is unknown when nothing at all had come, and is not asked for again", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Cut?");
    (await server.next()).destroy();
    const ended = await rig.reached(job, "unknown");
    expect(ended.error?.code).toBe("outcome_unknown");
    expect(server.hits).toHaveLength(1);
  });

  it("is unknown when it ended without a word and without an end mark", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Empty?");
    (await server.next()).end(chunk(""));
    expect(await rig.reached(job, "unknown")).toMatchObject({ charge: "uncertain" });
    expect((await rig.ask("Empty?")).jobId).toBe(job.jobId);
    expect(server.hits).toHaveLength(1);
  });

  it("is kept as partial by the next process when this one is gone", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const first = await openChatRig({ origin: server.origin, clock, folder, holder: "gone" });
    const job = await first.ask("Killed?");
    const response = await server.next();
    await first.reached(job, "running");
    response.write(chunk("So far"));
    await until(() => first.delegate.live(job.jobId)?.characters === 6);
    await clock.advance(1_000);

    const second = await openChatRig({
      origin: server.origin,
      clock,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "completed");
    expect((await second.threads.turn(OWNER, job.jobId))?.outcome).toEqual({
      brokeOff: "the server stopped",
    });
    expect((await second.threads.said(OWNER, job.jobId)).answer).toBe("So far");
    expect((await second.runner.untoldOrphans(OWNER)).map(({ jobId }) => jobId)).toEqual([
      job.jobId,
    ]);
    expect(server.hits).toHaveLength(1);
    response.destroy();
  });

  it("is unknown to the next process if nothing had come", async () => {
    const folder = await tempDir();
    const server = await held();
    const first = await openChatRig({ origin: server.origin, folder, holder: "gone" });
    const job = await first.ask("Killed?");
    const response = await server.next();
    await first.reached(job, "running");
    const second = await openChatRig({
      origin: server.origin,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "unknown");
    expect(server.hits).toHaveLength(1);
    response.destroy();
  });

  it.each([
    ["had come in part", "So far", "completed"],
    ["had not come", "", "unknown"],
  ] as const)(
    "is settled by the next process at another base if it %s",
    async (_n, said, state) => {
      const folder = await tempDir();
      const clock = new FakeClock();
      const server = await held();
      const first = await openChatRig({ origin: server.origin, clock, folder, holder: "gone" });
      const purchase = leftJob({ baseUrl: server.origin, state: "running", requestId: "r" });
      await recordJob(first.store, purchase, "gone");
      const job = await first.ask("Killed?");
      const response = await server.next();
      await first.reached(job, "running");
      if (said !== "") response.write(chunk(said));
      await until(() => first.delegate.live(job.jobId)?.characters === said.length);
      await clock.advance(1_000);

      const isGone = (holder: string) => holder === "gone";
      const elsewhere = await deadOrigin();
      const second = await openChatRig({ origin: elsewhere, clock, folder, holder: "new", isGone });
      await second.reached(job, state);
      // Purchases of another base are left alone.
      expect(await second.get(purchase)).toMatchObject({ state: "running", orphaned: false });
      const { busyWith } = await second.threads.delete(OWNER, threadOf(job), clock.now());
      expect(busyWith).toBeUndefined();
      response.destroy();
    },
  );

  it("is not sent elsewhere by the next process at another base", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const origin = await deadOrigin();
    const first = await openChatRig({ origin, clock, folder, holder: "gone", timeScale: 1 });
    const job = await first.ask("Queued?");
    await until(async () => (await first.get(job)).error !== null);
    const server = await answering();
    const isGone = (holder: string) => holder === "gone";
    const second = await openChatRig({ origin: server.origin, clock, folder, holder: "b", isGone });
    expect((await second.reached(job, "cancelled")).error?.message).toContain("another base URL");
    expect((await second.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(0);
  });

  it("may go on for a moment when the server is stopped, and is then kept", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock, folder });
    const job = await rig.ask("Stopped?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("Until now"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 9);
    const closing = rig.close();
    let closed = false;
    void closing.then(() => {
      closed = true;
    });
    while (!closed) await clock.advance(1_000);
    const next = await openChatRig({ origin: server.origin, folder });
    expect((await next.get(job)).state).toBe("completed");
    expect((await next.threads.said(OWNER, job.jobId)).answer).toBe("Until now");
  });
});

describe("a disk that is full for a while", () => {
  const full = () => new AppError("storage", "The job database cannot be used: disk is full.");

  it("makes no hole in an answer", async () => {
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock });
    const append = vi.spyOn(rig.threads, "append").mockRejectedValueOnce(full());
    const job = await rig.ask("Long?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("First"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 5);
    await clock.advance(1_000);
    expect(append).toHaveBeenCalledTimes(1);
    expect(rig.runner.heldUpBy(job.jobId)).toContain("disk is full");
    // By itself, though nothing more comes.
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First");
    expect(rig.runner.heldUpBy(job.jobId)).toBeUndefined();

    append.mockRejectedValueOnce(full());
    response.write(chunk(" second"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 12);
    await clock.advance(1_000);
    response.end(`${chunk(" third")}data: [DONE]\n\n`);
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First second third");
  });

  it("is waited for at an answer's end, and says so", async () => {
    const server = await answering();
    const clock = new FakeClock();
    const rig = await openChatRig({ origin: server.origin, clock, timeScale: 1 });
    const append = vi.spyOn(rig.threads, "append").mockRejectedValue(full());
    const job = await rig.ask("Whole?");
    await until(() => append.mock.calls.length > 0);
    expect(rig.runner.heldUpBy(job.jobId)).toContain("disk is full");
    expect((await rig.get(job)).state).toBe("running");
    expect((await rig.ask("Whole?")).jobId).toBe(job.jobId);
    append.mockRestore();
    await clock.advance(500);
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("Answer 1.");
    expect(rig.runner.heldUpBy(job.jobId)).toBeUndefined();
    expect(server.hits).toHaveLength(1);
  });

  it.each([
    ["answered", 200, "completed"],
    ["refused", 400, "failed"],
  ] as const)("does not leave a turn open that was %s", async (_name, status, state) => {
    const server = await rawServer((_hit, response) =>
      status === 200 ? stream(response, chunk("Yes.")) : json(response, status, {}),
    );
    const rig = await openChatRig({ origin: server.origin });
    const finish = vi.spyOn(rig.threads, "finish").mockRejectedValueOnce(full());
    const job = await rig.reached(await rig.ask("?"), state);
    expect(finish).toHaveBeenCalledTimes(2);
    expect((await rig.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(1);
  });

  it("sends nothing that has waited for ten minutes", async () => {
    const clock = new FakeClock();
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin, clock, timeScale: 1 });
    const disk = fillDisk(rig.store, 1);
    const job = await rig.ask("Late?");
    await until(() => rig.runner.heldUpBy(job.jobId));
    for (let minutes = 0; minutes < 11; minutes++) await clock.advance(60_000);
    disk.empty();
    await clock.advance(30_000);
    await rig.reached(job, "cancelled");
    expect((await rig.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(0);
  });

  it("leaves what was written to the next process when this one is stopped", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock, folder });
    const job = await rig.ask("Stopped?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("Written"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 7);
    await clock.advance(1_000);
    const append = vi.spyOn(rig.threads, "append").mockRejectedValue(full());
    response.end(`${chunk(" and not")}data: [DONE]\n\n`);
    await until(() => append.mock.calls.length > 0);
    await rig.close();
    const next = await openChatRig({ origin: server.origin, folder });
    await next.reached(job, "completed");
    expect((await next.threads.said(OWNER, job.jobId)).answer).toBe("Written");
    expect((await next.threads.turn(OWNER, job.jobId))?.outcome?.brokeOff).toBe(
      "the server stopped",
    );
  });
});

describe("a question that was not taken", () => {
  it.each([
    ["429", 429],
    ["503", 503],
  ])("is sent again after %s", async (_name, status) => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      ++count === 1
        ? json(response, status, { error: { message: "Try again in 0 seconds" } })
        : stream(response, chunk("Now.")),
    );
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.reached(await rig.ask("When?"), "completed");
    expect(job.error).toBeNull();
    expect(server.hits).toHaveLength(2);
  });

  it("waits as long as the platform says in its text", async () => {
    const clock = new FakeClock();
    let count = 0;
    const message = "Rate limit exceeded. Please try again in 60 seconds";
    const server = await rawServer((_hit, response) =>
      ++count === 1 ? json(response, 429, { error: { message } }) : stream(response, chunk("Now.")),
    );
    const rig = await openChatRig({ origin: server.origin, clock });
    const job = await rig.ask("When?");
    await until(async () => (await rig.get(job)).error?.code === "rate_limited");
    await clock.advance(59_000);
    expect(server.hits).toHaveLength(1);
    await clock.advance(1_000);
    await rig.reached(job, "completed");
    expect(server.hits).toHaveLength(2);
  });

  it("is given up after ten minutes", async () => {
    const clock = new FakeClock();
    const rig = await openChatRig({ origin: await deadOrigin(), clock, timeScale: 1 });
    const job = await rig.ask("Anybody?");
    await until(async () => {
      await clock.advance(30_000);
      return (await rig.get(job)).state === "cancelled";
    });
    // The thread is free again.
    await rig.ask("Still?", { threadId: threadOf(job) });
  });

  it.each([400, 401, 403, 404, 500, 502])("is never sent again after %i", async (status) => {
    const server = await rawServer((_hit, response) => json(response, status, { error: "no" }));
    const rig = await openChatRig({ origin: server.origin });
    await rig.reached(await rig.ask("No?"), status >= 500 ? "unknown" : "failed");
    expect(server.hits).toHaveLength(1);
  });

  it("is not sent late by a later process", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const first = await openChatRig({
      origin: await deadOrigin(),
      clock,
      folder,
      holder: "gone",
      timeScale: 1,
    });
    const job = await first.ask("Late?");
    await until(async () => (await first.get(job)).error !== null);
    const server = await answering();
    const later = new FakeClock(clock.now() + 601_000);
    const base = (await first.get(job)).baseUrl;
    const second = await openChatRig({
      origin: base,
      clock: later,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "cancelled");
    expect(server.hits).toHaveLength(0);
  });
});

describe("a repeated call", () => {
  it("gets the earlier job while that is under way, and shortly after", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const first = await rig.ask("Same?", { files: ["a.txt"] });
    const response = await server.next();
    expect((await rig.ask("Same?", { files: ["a.txt"] })).jobId).toBe(first.jobId);
    response.end(`${chunk("Done.")}data: [DONE]\n\n`);
    const done = await rig.reached(first, "completed");
    expect((await rig.ask("Same?", { files: ["*.txt"] })).jobId).toBe(first.jobId);
    await rig.runner.markDelivered(done);
    expect((await rig.ask("Same?", { files: ["a.txt"] })).jobId).toBe(first.jobId);
    expect(server.hits).toHaveLength(1);
    expect((await rig.threads.list(OWNER, 10, undefined)).threads).toHaveLength(1);
    expect(rig.connection.all("SELECT * FROM chat_files", [])).toHaveLength(1);

    await writeFile(join(rig.folder, "a.txt"), "changed");
    const other = await rig.ask("Same?", { files: ["a.txt"] });
    expect(other.jobId).not.toBe(first.jobId);
    (await server.next()).destroy();
    await rig.reached(other, "unknown");
  });

  it("gets the earlier job within a thread, though its files are attached by now", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const threadId = threadOf(await rig.reached(await rig.ask("First?"), "completed"));
    const second = await rig.ask("Second?", { threadId, files: ["a.txt"] });
    await rig.reached(second, "completed");
    const again = await rig.ask("Second?", { threadId, files: ["a.txt"] });
    expect(again.jobId).toBe(second.jobId);
    expect(server.hits).toHaveLength(2);
  });

  it("is a new turn where force_new says so, and one job for one key", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.reached(await rig.ask("Same?"), "completed");
    const second = await rig.ask("Same?", { forceNew: true });
    expect(second.jobId).not.toBe(first.jobId);
    const keyed = await rig.ask("Keyed?", { idempotencyKey: "k" });
    await rig.reached(keyed, "completed");
    expect((await rig.ask("Keyed?", { idempotencyKey: "k" })).jobId).toBe(keyed.jobId);
    await expect(rig.ask("Other?", { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect((await rig.threads.list(OWNER, 10, undefined)).threads).toHaveLength(3);
  });

  it("is not sent while nobody knows what became of the first, and costs no money", async () => {
    const server = await rawServer((_hit, response) => json(response, 500, {}));
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.reached(await rig.ask("Same?"), "unknown");
    expect((await rig.ask("Same?")).jobId).toBe(first.jobId);
    expect(server.hits).toHaveLength(1);
    expect((await rig.runner.spending(OWNER)).total).toMatchObject({
      spentUsd: 0,
      reservedUsd: 0,
      uncertainUsd: 0,
      unpriced: 0,
    });
  });
});

describe("a thread", () => {
  it("has one turn under way at most, and says which", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("First?");
    const threadId = threadOf(job);
    const response = await server.next();
    await expect(rig.ask("Second?", { threadId })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(job.jobId),
    });
    expect(await rig.threads.delete(OWNER, threadId, systemClock.now())).toEqual({
      busyWith: job.jobId,
    });
    expect((await rig.threads.turns(OWNER, threadId)).map((turn) => turn.jobId)).toEqual([
      job.jobId,
    ]);
    response.end(`${chunk("Done.")}data: [DONE]\n\n`);
    await rig.reached(job, "completed");
    await rig.ask("Second?", { threadId });
    (await server.next()).destroy();
  });

  it("takes only one of two turns that are asked for at the same time", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.ask("First?");
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    const both = await Promise.allSettled([
      rig.ask("Left?", { threadId }),
      rig.ask("Right?", { threadId }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("is free again when its queued turn is cancelled", async () => {
    const clock = new FakeClock();
    const rig = await openChatRig({ origin: await deadOrigin(), clock, timeScale: 1 });
    const cancel = async (prompt: string, threadId?: string) => {
      const job = await rig.ask(prompt, { threadId });
      await until(async () => (await rig.get(job)).error !== null);
      expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({ stopped: true });
      return job;
    };
    const first = await cancel("Queued?");
    expect((await rig.threads.turn(OWNER, first.jobId))?.isOpen).toBe(false);

    // A process that died in between leaves it to the next start.
    vi.spyOn(rig.threads, "finish").mockRejectedValueOnce(new Error("died"));
    const second = await cancel("Queued again?", threadOf(first));
    expect((await rig.threads.turn(OWNER, second.jobId))?.isOpen).toBe(true);
    await rig.threads.sweep(clock.now());
    expect((await rig.threads.turn(OWNER, second.jobId))?.isOpen).toBe(false);
    const third = await rig.ask("Queued?", { threadId: threadOf(first) });
    await rig.threads.sweep(clock.now());
    expect((await rig.threads.turn(OWNER, third.jobId))?.isOpen).toBe(true);
  });

  it.each([
    ["short", "Same?", []],
    ["long", "Same? ".repeat(20_000), []],
    ["with files", "Same?", ["a.txt"]],
  ])("gives a call that is repeated at once the earlier job (%s)", async (_name, prompt, files) => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const first = await rig.ask("First?");
    await rig.reached(first, "completed");
    const more = { threadId: threadOf(first), files };
    const all = await Promise.all([1, 2, 3].map(() => rig.ask(prompt, more)));
    expect(new Set(all.map((job) => job.jobId)).size).toBe(1);
    await rig.reached(all[0] ?? first, "completed");
    expect((await rig.threads.turns(OWNER, threadOf(first))).length).toBe(2);
    expect(rig.connection.all("SELECT * FROM chat_files", [])).toHaveLength(files.length);
    expect(posts(server.hits)).toHaveLength(2);
  });

  it("that is unknown is not begun", async () => {
    const rig = await openChatRig({ origin: await deadOrigin() });
    await expect(rig.ask("?", { threadId: "thread_x" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await rig.threads.list(OWNER, 10, undefined)).threads).toEqual([]);
  });

  it("is listed by its newest turn and deleted with all that is in it", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const jobs: Job[] = [];
    for (const prompt of ["One?", "Two?", "Three?"]) {
      const job = await rig.ask(prompt, { files: ["a.txt"] });
      jobs.push(await rig.reached(job, "completed"));
    }
    const [one, two, three] = jobs.map(threadOf);
    await rig.reached(await rig.ask("Again?", { threadId: one }), "completed");
    const page = await rig.threads.list(OWNER, 2, undefined);
    expect(page.threads.map((thread) => thread.threadId)).toEqual([one, three]);
    expect(page.threads[0]).toMatchObject({ title: "One?", turns: 2, files: 1 });
    const rest = await rig.threads.list(OWNER, 2, page.nextCursor);
    expect(rest.threads.map((thread) => thread.threadId)).toEqual([two]);
    expect(rest.nextCursor).toBeUndefined();
    expect((await rig.threads.list("somebody else", 2, undefined)).threads).toEqual([]);

    await rig.threads.delete(OWNER, one ?? "", systemClock.now());
    expect(await rig.threads.thread(OWNER, one ?? "")).toBeUndefined();
    expect(await rig.threads.said(OWNER, jobs[0]?.jobId ?? "")).toEqual({
      answer: "",
      reasoning: "",
    });
    const db = rig.connection;
    for (const table of ["chat_turns", "chat_files", "chat_file_parts", "chat_parts"]) {
      const rows = db.all(`SELECT * FROM ${table} WHERE job_id = ?`, [jobs[0]?.jobId ?? ""]);
      expect(rows, table).toEqual([]);
    }
    expect((await rig.threads.files(OWNER, two ?? "")).length).toBe(1);
  });
});

describe("what is attached", () => {
  it("is sent by name before the question, and again with every later turn", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, 'odd" name.txt'), 'Grüße, "Welt"\n\u2028');
    const first = await rig.ask("What is it?", { files: ["*.txt"] });
    await rig.reached(first, "completed");
    await writeFile(join(rig.folder, 'odd" name.txt'), "changed on disk");
    await rig.reached(await rig.ask("And?", { threadId: threadOf(first) }), "completed");
    const asked = `<file index="1" name="odd&quot; name.txt">\nGrüße, "Welt"\n\u2028\n</file>\n\nWhat is it?`;
    expect(messagesOf(server.hits[0])).toEqual([{ role: "user", content: asked }]);
    expect(messagesOf(server.hits[1])).toEqual([
      { role: "user", content: asked },
      { role: "assistant", content: "Answer 1." },
      { role: "user", content: "And?" },
    ]);
  });

  it("is sent once though it is named twice, and anew when it has changed", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const path = join(rig.folder, "a.txt");
    await writeFile(path, "one");
    const first = await rig.ask("1", { files: ["a.txt", path, "*.txt"] });
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    const second = await rig.ask("2", { threadId, files: ["a.txt"] });
    await rig.reached(second, "completed");
    expect(second.warnings).toEqual(["1 unchanged files were attached already."]);
    await writeFile(path, "two");
    await rig.reached(await rig.ask("3", { threadId, files: ["a.txt"] }), "completed");
    const contents = messagesOf(server.hits[2]).map(({ content }) => content);
    expect(contents.filter((content) => content.includes("one"))).toHaveLength(1);
    expect(contents.at(-1)).toContain("two");
  });

  it("is sent with the next turns when its own came to nothing", async () => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      ++count === 1
        ? json(response, 401, { error: { message: "no" } })
        : stream(response, chunk(`Answer ${count}.`)),
    );
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "one");
    const first = await rig.ask("1", { files: ["a.txt"] });
    await rig.reached(first, "failed");
    const threadId = threadOf(first);
    await writeFile(join(rig.folder, "b.txt"), "two");
    const second = await rig.ask("1", { threadId, files: ["*.txt"] });
    await rig.reached(second, "completed");
    await rig.reached(await rig.ask("2", { threadId, files: ["*.txt"] }), "completed");
    const asked =
      '<file index="1" name="a.txt">\none\n</file>\n<file index="2" name="b.txt">\ntwo\n</file>\n\n1';
    expect(second.warnings).toEqual(["1 unchanged files were attached already."]);
    expect(messagesOf(server.hits[1])).toEqual([{ role: "user", content: asked }]);
    expect(messagesOf(server.hits[2])).toEqual([
      { role: "user", content: asked },
      { role: "assistant", content: "Answer 2." },
      { role: "user", content: "2" },
    ]);
  });

  it("is attached anew when the process died before its turn was recorded", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "one");
    const first = await rig.ask("1");
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    await attachFiles(rig.threads, {
      owner: OWNER,
      jobId: newJobId(),
      threadId,
      patterns: ["a.txt"],
      places: { allowedDirs: [rig.folder], workingDir: rig.folder, homeDir: rig.folder },
      findEarlier: () => Promise.reject(new Error("nothing earlier was named")),
      known: [],
      now: systemClock.now(),
    });
    expect((await rig.threads.thread(OWNER, threadId))?.files).toBe(0);
    const second = await rig.ask("2", { threadId, files: ["a.txt"] });
    await rig.reached(second, "completed");
    expect(second.warnings).toEqual([]);
    expect(messagesOf(server.hits[1]).at(-1)?.content).toContain("one");
  });

  it("may be an earlier answer, its file or its whole thread", async () => {
    const long = `The end. ${"word ".repeat(3_000)}`;
    const server = await rawServer((_hit, response) => stream(response, chunk(long, "stop")));
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.reached(await rig.ask("Tell me."), "completed");
    expect(first.media).toHaveLength(1);
    const references = [
      `longcat://media/${first.jobId}/1`,
      `longcat://jobs/${first.jobId}`,
      `longcat://threads/${threadOf(first)}`,
    ];
    const second = await rig.ask("And?", { files: references });
    await rig.reached(second, "completed");
    const sent = messagesOf(server.hits.at(-1)).at(-1)?.content ?? "";
    for (const name of [`${first.jobId}-1.md`, `${first.jobId}.md`, `${threadOf(first)}.md`]) {
      expect(sent).toContain(name);
    }
    expect(sent.split("The end.")).toHaveLength(4);
    expect(sent).toContain("> Tell me.");
  });

  it("may be no reference to anything else, which says why", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const done = await rig.reached(await rig.ask("Tell me."), "completed");
    const medium = { index: 1, url: "", path: "/x.png", sizeBytes: 1, sha256: "", copies: [] };
    const picture = leftJob({
      baseUrl: server.origin,
      state: "completed",
      media: [{ ...medium, mimeType: "image/png" }],
    });
    await recordJob(rig.store, picture, "nobody");
    const none = newJobId();
    for (const [reference, code, message] of [
      [
        `longcat://media/${picture.jobId}/1`,
        "invalid_input",
        "is a picture, and this model reads text only",
      ],
      [`longcat://jobs/${picture.jobId}`, "invalid_input", "this model reads text only"],
      [`longcat://media/${done.jobId}/7`, "not_found", "does not exist"],
      [`longcat://jobs/${none}`, "not_found", "does not exist"],
      [`longcat://threads/thread_${none.slice(4)}`, "not_found", "does not exist"],
      [
        "longcat://models/z_image_turbo_generate",
        "invalid_input",
        "names nothing that can be attached",
      ],
    ] as const) {
      await expect(rig.ask("?", { files: [reference] }), reference).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
    }
    expect(posts(server.hits)).toHaveLength(1);
  });

  it("is nowhere left when the turn was refused", async () => {
    const rig = await openChatRig({ origin: await deadOrigin() });
    await writeFile(join(rig.folder, "a.txt"), "text");
    await writeFile(join(rig.folder, "b.bin"), Buffer.from([1, 0, 2]));
    await expect(rig.ask("?", { files: ["a.txt", "b.bin"] })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("b.bin is no text"),
    });
    const db = rig.connection;
    expect(db.all("SELECT * FROM chat_files", [])).toEqual([]);
    expect(db.all("SELECT * FROM chat_file_parts", [])).toEqual([]);
    expect(db.all("SELECT * FROM jobs", [])).toEqual([]);
  });
});

describe("more than the model takes", () => {
  const small = async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : stream(response, chunk("x".repeat(60_000))),
    );
    return server;
  };

  it("is refused before anything is sent, naming the biggest files", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "big.txt"), "a".repeat(100_000));
    await writeFile(join(rig.folder, "bigger.txt"), "b".repeat(200_000));
    await expect(rig.ask("?", { files: ["*.txt"] })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(
        /about 75,001 tokens, and LongCat-2.0-Preview takes 30,000.*The biggest: bigger.txt \(~50,000 tokens\), big.txt/,
      ),
    });
    expect(posts(server.hits)).toHaveLength(0);
    expect(rig.connection.all("SELECT * FROM chat_files", [])).toEqual([]);
  });

  it("never says as much as the model takes of what is more", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("y".repeat(120_001))).rejects.toMatchObject({
      message: expect.stringContaining("about 30,001 tokens, and LongCat-2.0-Preview takes 30,000"),
    });
  });

  it("counts what the answer may take", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("y".repeat(100_000), { maxTokens: 8_000 })).rejects.toMatchObject({
      message: expect.stringContaining("max_tokens keeps 8,000"),
    });
  });

  it("counts what earlier turns have attached in vain", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : json(response, 401, {}),
    );
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "a".repeat(80_000));
    await writeFile(join(rig.folder, "b.txt"), "b".repeat(80_000));
    const first = await rig.ask("?", { files: ["a.txt"] });
    await rig.reached(first, "failed");
    await expect(
      rig.ask("?", { threadId: threadOf(first), files: ["b.txt"] }),
    ).rejects.toMatchObject({ message: expect.stringContaining("a.txt (~20,000 tokens)") });
  });

  it("is sent if nobody says how much the model takes", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET" ? json(response, 404, {}) : stream(response, chunk("Fine.")),
    );
    const rig = await openChatRig({ origin: server.origin });
    await rig.reached(await rig.ask("z".repeat(400_000)), "completed");
  });

  it("loses its oldest turns only where the user allowed it", async () => {
    const folder = await tempDir();
    const server = await small();
    const strict = await openChatRig({ origin: server.origin, folder });
    const first = await strict.ask("Old?");
    await strict.reached(first, "completed");
    const threadId = threadOf(first);
    await strict.reached(await strict.ask("Newer?", { threadId }), "completed");
    await expect(strict.ask("Now?", { threadId })).rejects.toMatchObject({
      code: "invalid_input",
      next: expect.stringContaining("LONGCAT_MCP_TRIM_HISTORY"),
    });
    await strict.close();

    const lenient = await openChatRig({ origin: server.origin, folder, trimHistory: true });
    const job = await lenient.ask("Now?", { threadId });
    await lenient.reached(job, "completed");
    const asked = messagesOf(posts(server.hits).at(-1)).filter(({ role }) => role === "user");
    expect(asked.map(({ content }) => content)).toEqual(["Newer?", "Now?"]);
    expect(job.warnings).toEqual([
      "1 of the thread's oldest turns no longer fit and were left out.",
    ]);
  });
});

describe("more than the model takes, though old turns may be left out,", () => {
  it("is refused with an advice that can still help", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : stream(response, chunk("Fine.")),
    );
    const rig = await openChatRig({ origin: server.origin, trimHistory: true });
    const adviceFor = (threadId: string) =>
      rig.ask("y".repeat(200_000), { threadId }).catch(({ next }) => next);
    const plain = await rig.reached(await rig.ask("Old?"), "completed");
    expect(await adviceFor(threadOf(plain))).toBe("Attach less; nothing was sent.");
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const withFile = await rig.reached(await rig.ask("Old?", { files: ["a.txt"] }), "completed");
    expect(await adviceFor(threadOf(withFile))).toBe(
      "Attach less, or begin a new thread; turns with files are never left out. Nothing was sent.",
    );
  });
});

describe("an answer's file", () => {
  it("is made of what is longer than hosts show", async () => {
    const { origin } = await rawServer((_hit, response) =>
      stream(response, chunk("long ".repeat(2_001))),
    );
    const rig = await openChatRig({ origin });
    const { media } = await rig.reached(await rig.ask("Write: a *long* one"), "completed");
    expect(media).toMatchObject([{ index: 1, mimeType: "text/markdown", sizeBytes: 10_005 }]);
    expect(media[0]?.path).toMatch(/longcat-chat-write-a-long-one-\w{6}-1\.md$/);
    expect(await readFile(media[0]?.path ?? "", "utf8")).toBe("long ".repeat(2_001));
  });

  it("is copied under the name that save_to gives", async () => {
    const { origin } = await answering();
    const rig = await openChatRig({ origin });
    await mkdir(join(rig.folder, "allowed"));
    const job = await rig.reached(await rig.ask("Save", { saveTo: "allowed/a.json" }), "completed");
    expect(job.media[0]?.copies).toEqual([join(rig.folder, "allowed/a.json")]);
    expect(await readFile(join(rig.folder, "allowed/a.json"), "utf8")).toBe("Answer 1.");
  });

  it("is said to be missing where it cannot be made, and the answer stays", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    await mkdir(join(rig.folder, "allowed"));
    const asked = await rig.ask("Save", { saveTo: "allowed/a.md" });
    const response = await server.next();
    await rm(rig.outputDir, { recursive: true });
    await writeFile(rig.outputDir, "in its place");
    response.end(`${chunk("Fine.")}data: [DONE]\n\n`);
    const job = await rig.reached(asked, "completed");
    expect(job.media).toEqual([]);
    expect(job.warnings).toEqual([
      expect.stringMatching(
        /^No file was made: .* cannot be written\. The whole is in longcat:.*\.$/,
      ),
    ]);
  });

  it("is written again from the thread where it is gone", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await mkdir(join(rig.folder, "allowed"));
    const job = await rig.reached(await rig.ask("Save", { saveTo: "allowed/a.json" }), "completed");
    const path = job.media[0]?.path ?? "";
    expect((await rig.runner.restore(job)).updatedAt).toBe(job.updatedAt);
    await unlink(path);
    const restored = await rig.runner.restore(job);
    expect(restored.media).toEqual(job.media);
    expect(await rig.get(job)).toEqual(restored);
    expect(await readFile(path, "utf8")).toBe("Answer 1.");
    expect(server.hits).toHaveLength(1);

    await unlink(path);
    await rig.threads.delete(OWNER, threadOf(job), systemClock.now());
    await expect(rig.runner.restore(job)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("deleted"),
    });
  });

  it("is not asked for outside the allowed folders", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("Save", { saveTo: "/etc/a.md" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect(server.hits).toHaveLength(0);
    expect((await rig.threads.list(OWNER, 10, undefined)).threads).toEqual([]);
  });
});
