import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { exactUsd } from "../../src/core/money.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

const LONGCAT = { prompt: "A small boat at sea", image_size: "landscape_4_3" };

const TURBO = "z_image_turbo_generate";

const bodySchema = z.looseObject({ prompt: z.string() });

const exportSchema = z.array(
  z.looseObject({
    charge: z.enum(["none", "reserved", "spent", "uncertain"]),
    counted_usd: z.number().nullable(),
    input: bodySchema,
  }),
);

let bench: Bench;

async function spending(client: McpClient): Promise<Record<string, unknown>> {
  return (await client.call("spending", {})).structuredContent ?? {};
}

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test("the books agree: each charge of the provider has one job, and an export adds up", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const { faults } = bench.sandbox;
  const buy = (prompt: string, more: Record<string, unknown> = {}) =>
    client.call("longcat_image_generate", { ...LONGCAT, prompt, ...more });

  await buy("all is well");
  await buy("two of them", { num_images: 2 });
  for (const kind of ["job-failed", "job-error", "empty-media"] as const) {
    faults.add({ kind });
    await buy(kind);
  }
  for (const kind of ["reset-after", "not-json", "reset-before"] as const) {
    faults.add({ kind, match: { method: "POST" } });
    await buy(kind);
  }
  for (const [status, prompt] of [
    [400, "refused"],
    [429, "taken at the second try"],
    [503, "nobody can say"],
  ] as const) {
    faults.add({ kind: "status", status, match: { method: "POST" } });
    await buy(prompt);
  }
  await client.call(TURBO, { prompt: "no price", image_size: "square_1_1" });
  faults.add({ kind: "job-stuck" });
  await buy("still running", { wait_seconds: 0 });

  const charges = bench.sandbox
    .requests()
    .filter((one) => one.charged)
    .map((one) => bodySchema.parse(one.body).prompt);
  const program = bench.launch(["jobs", "export"]);
  let stdout = "";
  program.child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  expect(await program.exited()).toBe(0);
  const rows = exportSchema.parse(JSON.parse(stdout));
  const counted = rows.filter((row) => row.charge !== "none");
  const prompts = counted.map((row) => row.input.prompt);

  expect(charges).toHaveLength(9);
  for (const prompt of charges) expect(prompts.filter((one) => one === prompt)).toEqual([prompt]);
  // What is counted without a charge is only what nobody could know.
  const uncharged = counted.filter((row) => !charges.includes(row.input.prompt));
  expect(uncharged.map((row) => [row.input.prompt, row.charge])).toEqual([
    ["nobody can say", "uncertain"],
    ["reset-before", "uncertain"],
  ]);

  const sum = (charge: string) => {
    const those = counted.filter((row) => row.charge === charge);
    return exactUsd(those.reduce((total, row) => total + (row.counted_usd ?? 0), 0));
  };
  expect(await spending(client)).toMatchObject({
    total_usd: sum("spent"),
    reserved_usd: sum("reserved"),
    uncertain_usd: sum("uncertain"),
    jobs: counted.length,
    unpriced_jobs: counted.filter((row) => row.counted_usd === null).length,
  });
  expect([sum("spent"), sum("reserved"), sum("uncertain")]).toEqual([0.65, 0.13, 0.65]);
});

test("old jobs are forgotten when the settings say so, and only then", async () => {
  const store = new SqliteJobStore(new Connection(bench.dataDir));
  for (const days of [60, 3, 0]) {
    const time = Date.now() - days * 86_400_000;
    const ended = {
      state: "completed",
      charge: "spent",
      createdAt: time,
      updatedAt: time,
    } as const;
    await recordJob(store, leftJob({ baseUrl: bench.sandbox.origin, ...ended }), "gone");
  }
  await store.close();
  const known = async (env: Record<string, string>) => {
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    // Of all time: by itself it tells of this month.
    const report = await client.call("spending", { since: "2020-01-01" });
    return JSON.parse(textOf(report)).jobs;
  };
  expect(await known({})).toBe(3);
  expect(await known({ LONGCAT_MCP_KEEP_JOBS_DAYS: "32" })).toBe(2);
});

test("jobs on the command line are listed, shown and exported beside a running server", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const jobId = jobIdOf(await client.call("longcat_image_generate", LONGCAT));
  const run = (...words: string[]) => bench.run(["jobs", ...words]);
  expect((await run()).stdout).toMatch(new RegExp(`${jobId}  completed    spent      \\$0\\.13 `));
  expect(JSON.parse((await run("show", jobId)).stdout)).toMatchObject({
    job_id: jobId,
    input: LONGCAT,
  });
  expect(JSON.parse((await run("export")).stdout)).toMatchObject([{ job_id: jobId }]);
  expect(await run("show", "job_nope")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no job"),
  });
  expect(await run("forget")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("there are list, show, export, settle, delete."),
  });
});
