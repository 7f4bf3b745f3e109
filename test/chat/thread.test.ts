import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { Job } from "../../src/jobs/job.ts";
import { answering, chunk, held, openChatRig, posts, threadOf } from "../support/chat-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { deadOrigin } from "../support/raw-server.ts";
import { OWNER, until } from "../support/rig.ts";

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
      expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({ came: "unsent" });
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
