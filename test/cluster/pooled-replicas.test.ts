import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import { jobIdOf } from "../e2e/answers.ts";
import { openBench, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { pooled } from "./pgbouncer.ts";

const CALLS = 24;

/** Two replicas behind a pooler that gives each transaction another connection. */
async function team() {
  const bench = await openBench();
  const url = await freshDatabase();
  const pooler = await pooled(url);
  onTestFinished(() => pooler.close());
  const replica = async (name: string) => {
    const { client, program } = await bench.connect("client 2.x", "http", {
      LONGCAT_MCP_DATABASE_URL: pooler.url,
      LONGCAT_MCP_DATABASE_PREPARE: "off",
      LONGCAT_MCP_DATA_DIR: join(bench.folder, name, "data"),
      LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, name, "out"),
    });
    const start = async (prompt: string, more: Record<string, unknown> = {}) =>
      jobIdOf(
        await client.call("z_image_turbo_generate", {
          ...{ prompt, image_size: "square_1_1", wait_seconds: 0, ...more },
        }),
      );
    const state = async (jobId: string) =>
      z
        .looseObject({ state: z.string() })
        .parse(JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text)).state;
    return { client, program, start, state };
  };
  return { bench, url, one: await replica("one"), other: await replica("other") };
}

test("two replicas behind PgBouncer in transaction mode buy each thing once, wait for each other's jobs, and take over", async () => {
  const { bench, url, one, other } = await team();
  const things = Array.from({ length: CALLS / 4 }, (_, n) => `Thing ${n}.`);
  const asked = things.flatMap((thing) =>
    [one, other, one, other].map(({ start }) => start(thing, { idempotency_key: thing })),
  );
  expect(new Set(await Promise.all(asked)).size).toBe(things.length);
  expect(bench.posts).toBe(things.length);
  // A wait at one ends when the other has finished the job, though nobody can listen there.
  const jobId = await one.start("A lighthouse");
  await other.client.call("job_status", { job_id: jobId, wait_seconds: 100 });
  expect(await other.state(jobId)).toBe("completed");
  const last = await one.start("A last lighthouse");
  const sending = "SELECT 1 FROM longcat_mcp.jobs WHERE state IN ('queued', 'submitting')";
  await vi.waitFor(async () => expect(await ask(url, sending)).toEqual([]), PATIENTLY);
  await one.program.kill("SIGKILL");
  await vi.waitFor(async () => expect(await other.state(last)).toBe("completed"), PATIENTLY);
  expect(bench.posts).toBe(things.length + 2);
  await vi.waitFor(async () => {
    const sql = "SELECT state, count(*) AS n FROM longcat_mcp.jobs GROUP BY state";
    expect(await ask(url, sql)).toEqual([{ state: "completed", n: `${things.length + 2}` }]);
  }, PATIENTLY);
});
