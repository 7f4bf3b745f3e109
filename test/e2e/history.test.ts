import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { jobIdOf, pathsOf, textOf } from "./answers.ts";
import { type Bench, openBench } from "./harness.ts";
import { CLIENTS, type McpClient } from "./mcp-client.ts";

/* What a user says on the second day, each in two calls at most. */

const DAY_MS = 86_400_000;
const CABIN = { prompt: "A cabin in the snow", image_size: "square_1_1" };
const rowsSchema = z.looseObject({ jobs: z.array(z.looseObject({ job_id: z.string() })) });

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

/** As if a job had been started so long ago. */
async function makeOlder(jobId: string, days: number): Promise<void> {
  const connection = new Connection(bench.dataDir);
  const ago = days * DAY_MS;
  connection.run(
    "UPDATE jobs SET created_at = created_at - ?, completed_at = completed_at - ? WHERE job_id = ?",
    [ago, ago, jobId],
  );
  connection.close();
}

async function idsOf(client: McpClient, args: Record<string, unknown>): Promise<string[]> {
  const listed = await client.call("job_list", args);
  return rowsSchema.parse(listed.structuredContent).jobs.map(({ job_id }) => job_id);
}

describe.each(CLIENTS)("with %s", (kind) => {
  test("find last week's picture of the cabin", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", { ...CABIN, num_inference_steps: 7 });
    const older = await client.call("z_image_turbo_generate", CABIN);
    await client.call("z_image_turbo_generate", { ...CABIN, prompt: "A boat" });
    await makeOlder(jobIdOf(made), 6);
    await makeOlder(jobIdOf(older), 40);

    const listed = await client.call("job_list", { query: "Cabin", since: "7d" });
    expect(textOf(listed)).toMatch(
      /^job_\w{26} \d{4}-\d\d-\d\d \d\d:\d\d z_image_turbo_generate completed "A cabin in the snow" 1 file/,
    );
    expect(textOf(listed).split("\n")).toHaveLength(1);
    expect(textOf(listed)).not.toMatch(/https?:|\/out\//);
    const found = await client.call("job_status", { job_id: jobIdOf(listed) });
    expect(pathsOf(found)).toEqual(pathsOf(made));
    expect((await readFile(pathsOf(found)[0] ?? "")).length).toBeGreaterThan(0);

    const store = new SqliteJobStore(new Connection(bench.dataDir));
    const job = await store.get(LOCAL_OWNER, jobIdOf(listed));
    await store.close();
    expect(job?.input).toMatchObject({ ...CABIN, num_inference_steps: 7 });
    const view: unknown = JSON.parse((await client.read(`longcat://jobs/${jobIdOf(made)}`)).text);
    expect(view).toMatchObject({ arguments: { ...CABIN, num_inference_steps: 7 } });
  });

  test("what did I spend this week", async () => {
    const { client } = await bench.connect(kind);
    await client.call("longcat_image_generate", { ...CABIN, prompt: "A cat" });
    const older = await client.call("longcat_image_generate", { ...CABIN, prompt: "A dog" });
    await makeOlder(jobIdOf(older), 20);
    await client.call("longcat_chat", { prompt: "Write 50 words", wait_seconds: 45 });

    const { structuredContent } = await client.call("spending", { since: "7d" });
    const today = new Date().toISOString().slice(0, 10);
    expect(structuredContent).toMatchObject({
      period: { until: today },
      total_usd: 0.13,
      jobs: 1,
      by_day: [{ day: today, total_usd: 0.13 }],
      by_operation: [{ operation: "longcat_image_generate", total_usd: 0.13 }],
      by_day_and_operation: [{ day: today, operation: "longcat_image_generate", jobs: 1 }],
      chat: { tokens_in: expect.any(Number), tokens_out: expect.any(Number), cost_usd: 0 },
    });
    expect(structuredContent?.["chat"]).not.toMatchObject({ tokens_out: 0 });
    expect(await idsOf(client, { since: "90d" })).toHaveLength(3);
  });
});

test("a thread is found by what was asked in it", async () => {
  const { client } = await bench.connect("sdk 1.x");
  await client.call("longcat_chat", { prompt: "Write 20 words about whales", wait_seconds: 45 });
  await client.call("longcat_chat", { prompt: "Write 20 words about 猫", wait_seconds: 45 });
  for (const [query, title] of [
    ["WHALE", /whales/],
    ["猫", /猫/],
  ] as const) {
    const found = await client.call("chat_threads", { query });
    expect(found.structuredContent).toMatchObject({
      threads: [{ title: expect.stringMatching(title) }],
    });
    expect(await idsOf(client, { query })).toHaveLength(1);
  }
  expect((await client.call("chat_threads", { query: "sharks" })).structuredContent).toEqual({
    threads: [],
  });
});

test("the sandbox's numbers are marked, and among no others", async () => {
  const own = { LONGCAT_MCP_SANDBOX: "true", LONGCAT_MCP_SANDBOX_SPEED: "20" };
  const played = await bench.connect("sdk 1.x", "stdio", own);
  await played.client.call("longcat_image_generate", { ...CABIN, prompt: "A cat" });
  expect((await played.client.call("spending", {})).structuredContent).toMatchObject({
    sandbox: true,
    jobs: 1,
  });
  expect(textOf(await played.client.call("job_list", {}))).toContain("SANDBOX");
  const { client } = await bench.connect("client 2.x");
  const real = (await client.call("spending", {})).structuredContent;
  expect(real).toMatchObject({ jobs: 0, total_usd: 0 });
  expect(real).not.toHaveProperty("sandbox");
});
