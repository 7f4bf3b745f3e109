import type { ThreadFile } from "../../src/chat/thread.ts";
import type { NewTurn } from "../../src/chat/thread-store.ts";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { OWNER } from "../support/rig.ts";
import type { Bench } from "./kit.ts";

export function newTurn(change: Partial<NewTurn> & { prompt?: string } = {}): NewTurn {
  const { prompt = "Why?", ...more } = change;
  const request = { prompt, model: "m", format: "openai" as const };
  return { jobId: newJobId(), threadId: newThreadId(), request, title: prompt, now: 1, ...more };
}

export function fileOf({ jobId }: NewTurn, change: Partial<ThreadFile> = {}): ThreadFile {
  return {
    jobId,
    position: 0,
    name: "a.txt",
    sha256: "ab",
    sizeBytes: 6,
    jsonBytes: 6,
    tokens: 2,
    ...change,
  };
}

/** A whole turn: a file in two pieces, an answer in two parts, and a job that has ended. */
export async function answered(bench: Bench, change: Parameters<typeof newTurn>[0] = {}) {
  const { threads } = bench;
  const turn = newTurn(change);
  const { jobId, threadId, now } = turn;
  const file = fileOf(turn);
  const pieces = ["abc", "def"].map((text, part) => ({
    ...{ jobId, position: 0, part, content: Buffer.from(text) },
  }));
  await threads.attach(OWNER, threadId, pieces.slice(0, 1), [], now);
  await threads.attach(OWNER, threadId, pieces.slice(1), [file], now);
  await threads.begin(OWNER, turn);
  const input = { prompt: turn.request.prompt, model: "m", thread_id: threadId };
  await bench.add({ jobId, threadId, operation: "longcat_chat", input, state: "completed" });
  await threads.append(OWNER, jobId, 0, { answer: "Be", reasoning: "Hm" });
  await threads.append(OWNER, jobId, 1, { answer: "cause.", reasoning: "" });
  await threads.finish(OWNER, jobId, { finishReason: "stop" }, now + 1);
  return { turn, file };
}

export async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}
