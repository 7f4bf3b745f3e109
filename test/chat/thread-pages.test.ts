import { expect, onTestFinished, test } from "vitest";
import { threadPage } from "../../src/chat/thread-page.ts";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { tempDir } from "../support/temp-dir.ts";

async function openThread() {
  const connection = new Connection(await tempDir());
  const store = new SqliteJobStore(connection);
  onTestFinished(() => store.close());
  connection.all("PRAGMA synchronous=OFF", []);
  const threads = new SqliteThreadStore(connection);
  const threadId = newThreadId();
  const add = async (prompt: string, answers: string[], files = 0) => {
    const jobId = newJobId();
    const request = { prompt, model: "m", format: "openai" as const };
    const rows = Array.from({ length: files }, (_, position) => ({
      ...{ jobId, position, name: `${position}.txt`, sha256: "ab" },
      ...{ sizeBytes: 1, jsonBytes: 1, tokens: 1 },
    }));
    await threads.attach("local", threadId, [], rows, 1);
    await threads.begin("local", { jobId, threadId, request, title: prompt, now: 1 });
    for (const [part, answer] of answers.entries()) {
      await threads.append("local", jobId, part, { answer, reasoning: "hm" });
    }
    await threads.finish("local", jobId, { model: "m-2", finishReason: "stop" }, 2);
    return jobId;
  };
  return { threads, threadId, add };
}

test("a thread is read page by page, each turn once, the newest page first", async () => {
  const { threads, threadId, add } = await openThread();
  for (let n = 1; n <= 5; n++) await add(`Question ${n}`, [`Answer ${n}`]);
  const seen: string[][] = [];
  let before: number | undefined;
  for (;;) {
    const page = await threads.page("local", threadId, { before, limit: 2, characters: 100 });
    seen.push(page.turns.map((turn) => turn.prompt));
    if (!page.hasEarlier) break;
    before = page.turns[0]?.seq;
  }
  expect(seen).toEqual([
    ["Question 4", "Question 5"],
    ["Question 2", "Question 3"],
    ["Question 1"],
  ]);
});

test("of long texts and many files a page reads the beginning, and says how much there is", async () => {
  const { threads, threadId, add } = await openThread();
  const jobId = await add("🐋".repeat(50_000), ["ab", "🐋🐋", "c".repeat(1_000_000), "d"], 25);
  const page = await threads.page("local", threadId, {
    before: undefined,
    limit: 1,
    characters: 6,
  });
  expect(page.turns).toMatchObject([
    {
      jobId,
      model: "m-2",
      prompt: "🐋".repeat(6),
      answer: expect.stringMatching(/^ab🐋🐋c+$/u),
      answerCharacters: 1_000_005,
      reasoningCharacters: 8,
      finishReason: "stop",
      brokeOff: false,
      fileCount: 25,
    },
  ]);
  expect(page.turns[0]?.answer.length).toBeLessThan(20);
  expect(page.turns[0]?.files).toEqual(Array.from({ length: 20 }, (_, n) => `${n}.txt`));
});

test("a thread that is longer than a message may be shows its newest turns", async () => {
  const { threads, threadId, add } = await openThread();
  await add("The oldest", ["a"]);
  await add("The middle", ["b".repeat(3_000_000)]);
  await add("The newest", ["c".repeat(2_000_000)]);
  const page = await threadPage(threads, "local", threadId);
  expect(page.length).toBeLessThan(4_100_000);
  expect(page).toContain("> The newest");
  expect(page).toContain("*2 earlier turns have no room here");
  expect(page).not.toContain("The middle");
});
