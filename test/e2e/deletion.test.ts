import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test, vi } from "vitest";
import { DELETION_POINTS } from "../../src/jobs/job-context.ts";
import { filesWith } from "../support/files-in.ts";
import { finished, jobIdOf, pathsOf, textOf } from "./answers.ts";
import { type Bench, openBench, PATIENTLY } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

const WORDS = ["Quarzsandgrube", "Zwetschgenwasser"] as const;
const PROMPT = `A ${WORDS[0]} at dusk, with ${WORDS[1]}`;
const CALL = {
  ...{ prompt: PROMPT, image_size: "square_1_1", wait_seconds: 45 },
  idempotency_key: `${WORDS[0]}-1`,
};
const GENERATE = "longcat_image_generate";

const traces = (folder: string) => filesWith(folder, ...WORDS);

/** What the database still has of money, read beside the running program. */
function chargedIn(bench: Bench): unknown {
  const db = new DatabaseSync(join(bench.dataDir, "jobs.db"), { readOnly: true });
  try {
    return db.prepare("SELECT job_id, operation, charge, cost_usd FROM deleted_jobs").all();
  } finally {
    db.close();
  }
}

async function make(client: McpClient, more: Record<string, unknown> = {}) {
  const made = await client.call(GENERATE, { ...CALL, ...more });
  return { jobId: jobIdOf(made), path: pathsOf(made)[0] ?? "" };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

describe("delete that picture and forget the prompt", () => {
  test.each(["sdk 1.x", "client 2.x"] as const)("is one call for %s", async (kind) => {
    const bench = await openBench();
    const { client } = await bench.connect(kind);
    const { jobId, path } = await make(client);
    expect(await isThere(path)).toBe(true);
    const spent = await client.call("spending", {});
    expect(await traces(bench.dataDir)).not.toEqual([]);

    const answer = textOf(await client.call("job_delete", { job_id: jobId, files: true }));
    expect(answer).toContain(`${jobId} is deleted`);
    expect(answer).toContain("1 file is deleted");

    expect(await isThere(path)).toBe(false);
    expect(await traces(bench.outputDir)).toEqual([]);
    expect(chargedIn(bench)).toEqual([
      { job_id: jobId, operation: GENERATE, charge: "spent", cost_usd: expect.any(Number) },
    ]);
    await vi.waitFor(async () => expect(await traces(bench.dataDir)).toEqual([]), PATIENTLY);
    expect((await client.call("spending", {})).structuredContent).toEqual(spent.structuredContent);
  });

  test("leaves nothing of it in any answer", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("sdk 1.x");
    const { jobId, path } = await make(client, { save_to: join(bench.outputDir, "copy.png") });
    const uri = `longcat://media/${jobId}/1`;
    const deleted = textOf(await client.call("job_delete", { job_id: `longcat://jobs/${jobId}` }));
    expect(deleted).toContain(path);
    expect(deleted).toContain(join(bench.outputDir, "copy.png"));
    expect(await isThere(path)).toBe(true);
    for (const one of [`longcat://jobs/${jobId}`, uri, `${uri}/preview`]) {
      await expect(client.read(one), one).rejects.toThrow(/was deleted/);
    }
    const listed = [
      await client.listResources(),
      await client.complete("longcat://jobs/{job_id}", "job_id", "job_"),
      (await client.call("job_list", {})).content,
    ];
    expect(JSON.stringify(listed)).not.toContain(jobId);
    for (const [name, args] of [
      ["job_status", { job_id: jobId }],
      ["job_delete", { job_id: jobId }],
      ["job_cancel", { job_id: jobId }],
      ["qwen_image_edit", { prompt: "Again", image: uri }],
    ] as const) {
      const { isError, content } = await client.call(name, args);
      expect(isError, name).toBe(true);
      expect(JSON.stringify(content), name).toMatch(/not_found: .*was deleted/);
    }
    const posts = bench.posts;
    const keyed = await client.call(GENERATE, CALL);
    expect(textOf(keyed)).toMatch(/^not_found: .*deleted.*\nNext: .*another `idempotency_key`/);
    expect(bench.posts).toBe(posts);
  });

  test("does not buy again what a repeated call asks for, nor adopt its request", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("client 2.x");
    const { idempotency_key: _, ...call } = CALL;
    const jobId = jobIdOf(await client.call(GENERATE, call));
    const { text } = await client.read(`longcat://jobs/${jobId}`);
    const requestId = /"request_id": ?"([^"]+)"/.exec(text)?.[1] ?? "";
    await client.call("job_delete", { job_id: jobId, files: true });
    const posts = bench.posts;
    const repeated = await client.call(GENERATE, call);
    expect(textOf(repeated)).toMatch(/^not_found: .*deleted.*\nNext: .*`force_new: true`/);
    const adopted = await client.call("job_status", { request_id: requestId });
    expect(textOf(adopted)).toMatch(/^not_found: .*deleted/);
    expect(bench.posts).toBe(posts);
    const forced = await client.call(GENERATE, { ...call, force_new: true });
    expect(textOf(forced)).toContain("completed");
    expect(bench.posts).toBe(posts + 1);
  });

  test("is told to whoever watches, also by another process", async () => {
    const bench = await openBench();
    const [one, two] = [await bench.connect("sdk 1.x"), await bench.connect("client 2.x")];
    const { jobId } = await make(one.client);
    const news: string[][] = [[], []];
    for (const [n, { client }] of [one, two].entries()) {
      await client.call("job_list", {});
      await client.watch(`longcat://media/${jobId}/1`, (what) => news[n]?.push(what));
    }
    await one.client.call("job_delete", { job_id: jobId });
    await vi.waitFor(() => {
      for (const heard of news) {
        expect(heard).toContain(`updated longcat://media/${jobId}/1`);
        expect(heard).toContain("list_changed");
      }
    }, PATIENTLY);
  });

  test("takes nothing from a job that works on its picture", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("client 2.x");
    const { jobId, path } = await make(client);
    const image = `longcat://media/${jobId}/1`;
    const edit = { prompt: "At noon", image, wait_seconds: 0 };
    const started = await client.call("qwen_image_edit", edit);
    await client.call("job_delete", { job_id: jobId, files: true });
    expect(await isThere(path)).toBe(false);
    expect(textOf(await finished(client, jobIdOf(started)))).toContain("completed");
  });

  test("takes layers with all that is made of them, and a file that is gone already", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("sdk 1.x");
    const { jobId, path } = await make(client);
    const image_url = `longcat://media/${jobId}/1`;
    const layered = await client.call("qwen_image_layered", { image_url, wait_seconds: 45 });
    const paths = pathsOf(layered);
    expect(paths.length).toBeGreaterThan(3);
    const [first = ""] = paths;
    await rm(first);
    const answer = await client.call("job_delete", { job_id: jobIdOf(layered), files: true });
    expect(answer.isError).toBeFalsy();
    for (const one of paths) expect(await isThere(one), one).toBe(false);
    expect(await isThere(path)).toBe(true);
  });
});

describe("the plug pulled while a job is deleted", () => {
  test.each(DELETION_POINTS)("at %s: it is whole, or goes on at the next start", async (point) => {
    const bench = await openBench();
    const env = { LONGCAT_MCP_TEST_CRASH_AT: point };
    const { client, program } = await bench.connect("sdk 1.x", "stdio", env);
    const { jobId, path } = await make(client);
    const call = client.call("job_delete", { job_id: jobId, files: true });
    await Promise.allSettled([call, program.exited()]);

    const next = await bench.connect("client 2.x");
    const { isError } = await next.client.call("job_status", { job_id: jobId });
    const isWhole = point === "before-deletion";
    expect(isError ?? false).toBe(!isWhole);
    if (isWhole) {
      expect(await isThere(path)).toBe(true);
      await next.client.call("job_delete", { job_id: jobId, files: true });
    }
    await vi.waitFor(async () => expect(await isThere(path)).toBe(false), PATIENTLY);
    await vi.waitFor(async () => expect(await traces(bench.folder)).toEqual([]), PATIENTLY);
  });
});
