import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { request } from "undici";
import { expect } from "vitest";
import * as z from "zod";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import type { Bench } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";

const jobSchema = z.looseObject({
  job_id: z.string(),
  state: z.string(),
  charge: z.string(),
  request_id: z.string().nullable(),
  media: z.array(z.looseObject({ path: z.string(), url: z.string() })),
});
export type JobRow = z.output<typeof jobSchema>;
const listedSchema = z.looseObject({ job_id: z.string(), state: z.string() });
type ListedJob = z.output<typeof listedSchema>;

/** All jobs, as a client sees them in its list. */
export async function allJobs(client: McpClient): Promise<ListedJob[]> {
  const jobs: ListedJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call("job_list", { limit: 100, ...(cursor ? { cursor } : {}) });
    const parsed = z
      .looseObject({ jobs: z.array(listedSchema), next_cursor: z.string().optional() })
      .parse(page.structuredContent);
    jobs.push(...parsed.jobs);
    cursor = parsed.next_cursor;
  } while (cursor !== undefined);
  return jobs;
}

/** Waits until nothing is under way any more. @returns each job as its own view shows it. */
export async function allEnded(client: McpClient): Promise<JobRow[]> {
  for (;;) {
    const jobs = await allJobs(client);
    const open = jobs.find((job) =>
      ["queued", "submitting", "running", "downloading"].includes(job.state),
    );
    if (!open) return Promise.all(jobs.map((job) => viewOf(client, job)));
    await client.call("job_status", { job_id: open.job_id, wait_seconds: 5 });
  }
}

async function viewOf(client: McpClient, { job_id }: ListedJob): Promise<JobRow> {
  return jobSchema.parse(JSON.parse((await client.read(`longcat://jobs/${job_id}`)).text));
}

export interface Verdict {
  completed: number;
  unknown: number;
  notSent: number;
  charges: number;
}

/**
 * The promise, checked against the upstream's own log: no purchase twice, none lost, nothing
 * half-written in sight, and whatever is in doubt said to be in doubt.
 */
export async function verify(bench: Bench, jobs: readonly JobRow[]): Promise<Verdict> {
  const charged = bench.sandbox.requests().filter((one) => one.charged);
  const prompts = charged.map((one) => JSON.stringify(one.body));
  const twice = prompts.filter((prompt, position) => prompts.indexOf(prompt) !== position);
  expect(twice, "charged twice").toEqual([]);

  const inDoubt = jobs.filter((job) => job.state === "unknown");
  const doubtful = await promptsOf(bench, inDoubt);
  // A synchronous answer names its request only in the address of its picture.
  const known = JSON.stringify(jobs);
  const lost = charged.filter(
    ({ requestId, body }) =>
      (requestId === undefined || !known.includes(requestId)) &&
      !doubtful.some((prompt) => JSON.stringify(body).includes(prompt)),
  );
  expect(lost, "charged, and neither known nor in doubt").toEqual([]);
  expect(inDoubt.every((job) => job.charge === "uncertain")).toBe(true);
  const states = new Set(jobs.map((job) => job.state));
  for (const state of states) expect(["completed", "unknown", "cancelled"]).toContain(state);

  const completed = jobs.filter((job) => job.state === "completed");
  const digests = new Set<string>();
  for (const medium of completed.flatMap((job) => job.media)) {
    const reply = await request(medium.url);
    const served = Buffer.from(await reply.body.arrayBuffer());
    expect(reply.statusCode).toBe(200);
    digests.add(digestOf(served));
    expect((await readFile(medium.path)).equals(served), medium.path).toBe(true);
  }
  for (const path of await visibleFiles(bench.outputDir)) {
    expect(digests.has(digestOf(await readFile(path))), `${path} is whole`).toBe(true);
  }
  return {
    completed: completed.length,
    unknown: inDoubt.length,
    notSent: jobs.filter((job) => job.state === "cancelled").length,
    charges: charged.length,
  };
}

/** What jobs were asked for, as JSON, which a client is not shown. Each has a prompt of its own. */
async function promptsOf(bench: Bench, jobs: readonly JobRow[]): Promise<string[]> {
  const store = new SqliteJobStore(new Connection(bench.dataDir));
  try {
    const stored = await Promise.all(jobs.map((job) => store.get(LOCAL_OWNER, job.job_id)));
    return stored.map((job) => JSON.stringify(job?.input["prompt"]));
  } finally {
    await store.close();
  }
}

async function visibleFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !basename(entry.name).startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name));
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
