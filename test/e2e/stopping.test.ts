import { afterEach, beforeEach, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";

const STALLED = "Write 2,000 words [[fault:stream-stall=400]]";
let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test.each(["the same", "another"])("a turn is stopped through %s program", async (which) => {
  const { client } = await bench.connect("sdk 1.x");
  const other = which === "another" ? (await bench.connect("client 2.x")).client : client;
  const job_id = jobIdOf(await client.call("longcat_chat", { prompt: STALLED, wait_seconds: 0 }));
  for (;;) {
    const seen = textOf(await client.call("job_status", { job_id, wait_seconds: 0 }));
    if (/characters so far/.test(seen)) break;
  }
  const stopped = textOf(await other.call("job_cancel", { job_id }));
  expect(stopped).toMatch(/is stopped\. What had come of its answer, \d+ characters, is kept/);
  const thread_id = /thread_[a-z2-7]{26}/.exec(stopped)?.[0];
  const result = textOf(await finished(client, job_id));
  expect(result).toContain("partial: true");
  expect(result).toContain("stopped by `job_cancel`");
  const next = await client.call("longcat_chat", { prompt: "Go on", thread_id, wait_seconds: 45 });
  expect(textOf(next)).toMatch(/ completed in /);
  expect(textOf(await other.call("job_cancel", { job_id }))).toMatch(
    /cannot be cancelled: .*already ended as completed/,
  );
});

test("a turn without a word is cancelled, and its thread goes on", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const prompt = "Write 50 words [[fault:stream-stall=0]]";
  const started = textOf(await client.call("longcat_chat", { prompt, wait_seconds: 0 }));
  const [job_id, thread_id] = [/job_\w+/.exec(started)?.[0], /thread_\w+/.exec(started)?.[0]];
  const stopped = textOf(await client.call("job_cancel", { job_id }));
  expect(stopped).toMatch(/ is cancelled: It was stopped before anything of the answer had come/);
  const next = await client.call("longcat_chat", { prompt: "Hello", thread_id, wait_seconds: 45 });
  expect(textOf(next)).toMatch(/ completed in /);
});
