import { expect, it } from "vitest";
import * as z from "zod";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { OWNER } from "../support/rig.ts";
import { openToolRig } from "../support/tool-rig.ts";

const pageSchema = z.object({
  note: z.string(),
  turns: z.array(z.looseObject({ prompt: z.string(), answer: z.string() })),
  next_cursor: z.string().optional(),
});

/** A thread with so many turns of long texts, and a reader of it. */
async function openThread(turns: number, characters: number) {
  const { runtime, call } = await openToolRig("http://127.0.0.1:1");
  const threadId = newThreadId();
  for (let n = 1; n <= turns; n++) {
    const jobId = newJobId();
    const request = { prompt: `Question ${n}`, model: "m", format: "openai" as const };
    await runtime.threads.begin(OWNER, { jobId, threadId, request, title: "T", now: n });
    const answer = `Answer ${n}. ${"猫".repeat(characters)}`;
    await runtime.threads.append(OWNER, jobId, 0, { answer, reasoning: "" });
    await runtime.threads.finish(OWNER, jobId, { model: "m" }, n);
  }
  const read = async (more: Record<string, unknown> = {}) => {
    const result = await call("chat_threads", { action: "read", thread_id: threadId, ...more });
    return {
      ...pageSchema.parse(result.structuredContent),
      size: JSON.stringify(result.structuredContent).length,
    };
  };
  return { threadId, read };
}

it("a thread is read in pages of bounded length, each turn once, the newest page first", async () => {
  const { read } = await openThread(45, 1_500);
  const seen: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await read({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.size).toBeLessThan(25_000);
    expect(page.turns.length).toBeGreaterThan(0);
    seen.unshift(...page.turns.map(({ prompt }) => prompt));
    if (page.next_cursor === undefined) break;
    expect(page.note).toContain("For earlier turns call again with `next_cursor`");
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(Array.from({ length: 45 }, (_, at) => `Question ${at + 1}`));
});

it("a short thread is one page, and says nothing of going on", async () => {
  const { read } = await openThread(3, 10);
  const { turns, next_cursor, note } = await read();
  expect(turns).toHaveLength(3);
  expect(next_cursor).toBeUndefined();
  expect(note).not.toMatch(/call again|cut/);
});

it("one turn is shown however long it is, cut, and it is said where the whole is", async () => {
  const { read, threadId } = await openThread(2, 1_000_000);
  const { turns, note, size } = await read({ limit: 1 });
  expect(turns).toHaveLength(1);
  expect(turns[0]?.answer).toMatch(/^Answer 2\..*…$/);
  expect(size).toBeLessThan(5_000);
  expect(note).toContain(`longcat://threads/${threadId}`);
  expect(note).toContain("media_save");
});

it("a cursor that is none is refused", async () => {
  const { read } = await openThread(1, 1);
  await expect(read({ cursor: "page 2" })).rejects.toThrow();
});
