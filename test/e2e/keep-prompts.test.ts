import { expect, test, vi } from "vitest";
import { filesWith } from "../support/files-in.ts";
import { jobIdOf, pathsOf, textOf } from "./answers.ts";
import { openBench, PATIENTLY } from "./harness.ts";

const WORD = "Quarzsandgrube";
const OFF = { LONGCAT_MCP_KEEP_PROMPTS: "off" };
const CALL = { prompt: `A ${WORD} at night`, wait_seconds: 45 };

const traces = (folder: string) => filesWith(folder, WORD);

test("with LONGCAT_MCP_KEEP_PROMPTS=off no prompt outlives its job, and no name has its words", async () => {
  const bench = await openBench();
  const { client } = await bench.connect("sdk 1.x", "stdio", OFF);
  const call = { ...CALL, image_size: "landscape_4_3", num_images: 2, idempotency_key: WORD };
  const done = await client.call("z_image_turbo_generate", call);
  const jobId = jobIdOf(done);
  const paths = pathsOf(done);
  expect(paths).toHaveLength(2);
  for (const path of paths) {
    expect(path).toMatch(/\/z-image-turbo-generate-[a-z2-7]{6}-\d\.png$/);
  }
  const layered = await client.call("qwen_image_layered", {
    ...{ image_url: `longcat://media/${jobId}/1`, wait_seconds: 45 },
  });
  expect(textOf(layered)).toContain("completed");
  const failed = await client.call("longcat_image_generate", {
    ...CALL,
    ...{ prompt: `[[fault:status=400]] A ${WORD}`, image_size: "square_1_1" },
  });
  const looked = [
    ...[textOf(await client.call("job_status", { job_id: jobId }))],
    ...[JSON.stringify(await client.call("job_list", {}))],
    (await client.read(`longcat://jobs/${jobId}`)).text,
  ];
  expect(looked.join("\n")).not.toContain(WORD);
  expect(textOf(failed)).not.toBe("");
  await vi.waitFor(async () => expect(await traces(bench.dataDir)).toEqual([]), PATIENTLY);
  expect(await traces(bench.outputDir)).toEqual([]);

  const again = await client.call("z_image_turbo_generate", call);
  expect(jobIdOf(again)).toBe(jobId);
});

test("what was kept before goes at the next start; threads stay", async () => {
  const bench = await openBench();
  const first = await bench.connect("client 2.x");
  // Files that have their names already keep them, so the word is none of the first six.
  const prompt = `One two three four five six and ${WORD}`;
  const call = { prompt, image_size: "square_1_1", wait_seconds: 45 };
  await first.client.call("longcat_image_generate", call);
  const asked = await first.client.call("longcat_chat", {
    prompt: "Tell me more",
    wait_seconds: 45,
  });
  await first.client.close();
  await first.program.exited();
  expect(await traces(bench.dataDir)).not.toEqual([]);

  const { client } = await bench.connect("sdk 1.x", "stdio", OFF);
  await client.call("job_list", {});
  await vi.waitFor(async () => expect(await traces(bench.dataDir)).toEqual([]), PATIENTLY);
  const thread_id = /thread_[a-z2-7]{26}/.exec(textOf(asked))?.[0] ?? "";
  const read = await client.call("chat_threads", { action: "read", thread_id });
  expect(textOf(read)).toContain("Tell me more");
});
