import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  answering,
  chunk,
  held,
  messagesOf,
  openChatRig,
  stream,
  threadOf,
} from "../support/chat-rig.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

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
