import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { type Bench, openBench } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { filesWith } from "../support/files-in.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const SECRET = "Quarzsandgrube";
const ATTACHED = "Zwetschgenwasser";
const CHAT = "longcat_chat";

async function openFilledBench(): Promise<Bench> {
  const bench = await openBench();
  await writeFile(join(bench.folder, `${ATTACHED}.txt`), `A text about ${ATTACHED}.`);
  return bench;
}

/** Threads that are kept, with one between them that is deleted again. */
async function askAndDelete(bench: Bench, client: McpClient) {
  await client.call(CHAT, { prompt: "What stays? ".repeat(300), wait_seconds: 45 });
  const asked = await client.call(CHAT, {
    prompt: `${SECRET}: write 50 words`,
    system: `Think of the ${SECRET}`,
    files: [`${ATTACHED}.txt`],
    save_to: join(bench.outputDir, "answer.md"),
    wait_seconds: 45,
  });
  const thread_id = /thread_[a-z2-7]{26}/.exec(textOf(asked))?.[0] ?? "";
  await client.call(CHAT, { prompt: `More about the ${SECRET}`, thread_id, wait_seconds: 45 });
  await client.call(CHAT, { prompt: "What stays too? ".repeat(300), wait_seconds: 45 });
  expect(await filesWith(bench.dataDir, SECRET)).not.toEqual([]);
  const deleted = await client.call("chat_threads", { action: "delete", thread_id });
  return { jobId: jobIdOf(asked), deleted: textOf(deleted) };
}

describe("a deleted thread", () => {
  test("leaves nothing in any view of its jobs, and its files are named", async () => {
    const bench = await openFilledBench();
    const { client } = await bench.connect("sdk 1.x");
    const { jobId, deleted } = await askAndDelete(bench, client);
    expect(deleted).toContain(join(bench.outputDir, "answer.md"));
    const seen = [
      textOf(await client.call("job_status", { job_id: jobId })),
      textOf(await client.call("job_list", {})),
      textOf(await client.call("chat_threads", {})),
      (await client.read(`longcat://jobs/${jobId}`)).text,
    ];
    for (const words of [
      ["jobs", "export"],
      ["jobs", "show", jobId],
    ]) {
      seen.push((await bench.run(words)).stdout);
    }
    for (const text of seen) {
      expect(text).not.toBe("");
      expect(text.toLowerCase()).not.toMatch(/quarzsandgrube|zwetschgenwasser/);
    }
  });

  test("leaves no byte in the data folder after an orderly end", async () => {
    const bench = await openFilledBench();
    const { client, program } = await bench.connect("client 2.x");
    await askAndDelete(bench, client);
    await client.close();
    await program.exited();
    for (const word of [SECRET, SECRET.toLowerCase(), ATTACHED]) {
      expect(await filesWith(bench.dataDir, word), word).toEqual([]);
    }
  });

  test("nor after a kill, once the next start has ended", async () => {
    const bench = await openFilledBench();
    const { client, program } = await bench.connect("sdk 1.x");
    await askAndDelete(bench, client);
    await program.kill("SIGKILL");
    const next = await bench.connect("client 2.x");
    await next.client.call("job_list", {});
    await next.client.close();
    await next.program.exited();
    for (const word of [SECRET, ATTACHED]) {
      expect(await filesWith(bench.dataDir, word), word).toEqual([]);
    }
  });

  test("of many sizes, among many others, leaves no byte", async () => {
    const folder = await tempDir();
    const connection = new Connection(folder);
    const store = new SqliteJobStore(connection);
    connection.all("PRAGMA synchronous=OFF", []);
    const threads = new SqliteThreadStore(connection);
    const doomed: string[] = [];
    for (let n = 0; n < 240; n++) {
      const [jobId, threadId] = [newJobId(), newThreadId()];
      const isDoomed = n % 3 === 1;
      if (isDoomed) doomed.push(threadId);
      const prompt = `${isDoomed ? SECRET : "Kept"} ${"x".repeat((n * 97) % 6_000)}`;
      const request = { prompt, model: "m", format: "openai" as const };
      await threads.begin("local", { jobId, threadId, request, title: prompt, now: n });
      const change = { jobId, threadId, input: { prompt, thread_id: threadId }, wire: null };
      const ended = { state: "completed", operation: CHAT, charge: "none" } as const;
      const job = leftJob({ baseUrl: "https://chat.example", ...change, ...ended });
      await recordJob(store, job, "me");
      for (let part = 0; part < n % 5; part++) {
        await threads.append("local", jobId, part, { answer: prompt, reasoning: prompt });
      }
      await threads.finish("local", jobId, {}, n);
    }
    for (const threadId of doomed) await threads.delete("local", threadId, 1_000);
    await store.close();
    expect(await filesWith(folder, SECRET)).toEqual([]);
    expect(await filesWith(folder, "Kept")).not.toEqual([]);
  });

  test("that an earlier version has kept leaves no byte either", async () => {
    const folder = await tempDir();
    const packed = await readFile(join(import.meta.dirname, "../fixtures/jobs-v5.db.gz"));
    await writeFile(join(folder, "jobs.db"), gunzipSync(packed));
    expect(await filesWith(folder, "What does the file say?")).not.toEqual([]);
    const connection = new Connection(folder);
    const store = new SqliteJobStore(connection);
    const threads = new SqliteThreadStore(connection);
    const [thread] = (await threads.list("local", 1, undefined)).threads;
    await threads.delete("local", thread?.threadId ?? "", 1_000);
    await store.close();
    for (const word of ["What does the file say?", "It says ", "Let me see.", "notes.txt"]) {
      expect(await filesWith(folder, word), word).toEqual([]);
    }
  });
});
