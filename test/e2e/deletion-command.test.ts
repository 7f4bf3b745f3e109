import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { WholeJob } from "../../src/jobs/job.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { jobIdOf, pathsOf, textOf } from "./answers.ts";
import { type Bench, openBench, PATIENTLY } from "./harness.ts";

const DAY_MS = 86_400_000;
const SECRET = "Quarzsandgrube";
const CALL = { prompt: `A ${SECRET}`, image_size: "square_1_1", wait_seconds: 45 };

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Records a job as the program would have so many days ago. */
async function addOld(bench: Bench, days: number, change: Partial<WholeJob> = {}) {
  const store = new SqliteJobStore(new Connection(bench.dataDir));
  const at = Date.now() - days * DAY_MS;
  const path = join(bench.outputDir, `old-${days}-${change.state ?? "completed"}.png`);
  await writeFile(path, "png");
  const medium = { index: 1, url: "https://a.example/1.png", path, mimeType: "image/png" };
  const job = leftJob({
    ...{ baseUrl: bench.sandbox.origin, createdAt: at, updatedAt: at, completedAt: at },
    ...{ state: "completed", charge: "spent", costUsd: 0.13, input: { prompt: SECRET } },
    media: [{ ...medium, sizeBytes: 3, sha256: "ab", copies: ["/copies/fox.png"] }],
    ...change,
  });
  await recordJob(store, job, "a-process-that-is-gone");
  await store.close();
  return { jobId: job.jobId, path };
}

describe("jobs delete", () => {
  test("deletes what is old beside a running server, and says what stays and why", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("sdk 1.x");
    const young = await client.call("longcat_image_generate", CALL);
    const old = [await addOld(bench, 91), await addOld(bench, 400)];
    const doubtful = { state: "unknown", charge: "uncertain" } as const;
    const kept = [await addOld(bench, 100, doubtful), await addOld(bench, 89)];
    const spending = JSON.stringify(await client.call("spending", {}));

    const { said, code } = await bench.run(["jobs", "delete", "--older-than", "90d", "--files"]);
    expect(code).toBe(0);
    expect(said).toContain("2 jobs older than 90d are deleted; 2 of their 2 files are deleted");
    expect(said).toContain("2 copies stay");
    expect(said).toMatch(new RegExp(`1 older ones stay:\\n- ${kept[0]?.jobId} .*settle`));
    expect(said).not.toContain(SECRET);
    for (const { path, jobId } of old) {
      expect(await isThere(path)).toBe(false);
      expect(textOf(await client.call("job_status", { job_id: jobId }))).toContain("was deleted");
    }
    for (const { path } of kept) expect(await isThere(path)).toBe(true);
    expect(await isThere(pathsOf(young)[0] ?? "")).toBe(true);
    expect(JSON.stringify(await client.call("spending", {}))).toBe(spending);
  });

  test("deletes one by its id, and leaves its file unless told otherwise", async () => {
    const bench = await openBench();
    const { client, program } = await bench.connect("client 2.x");
    const made = await client.call("longcat_image_generate", CALL);
    const [jobId, path] = [jobIdOf(made), pathsOf(made)[0] ?? ""];
    const { said, code } = await bench.run(["jobs", "delete", jobId]);
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining(path) });
    expect(await isThere(path)).toBe(true);
    expect(await bench.run(["jobs", "delete", jobId])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("was deleted"),
    });
    await client.close();
    await program.exited();
    await vi.waitFor(async () => {
      expect(await readFile(join(bench.dataDir, "jobs.db"), "latin1")).not.toContain(SECRET);
    }, PATIENTLY);
  });

  test.each([
    [["delete"]],
    [["delete", "fox"]],
    [["delete", `job_${"a".repeat(26)}`, "--older-than", "90d"]],
    ...["90", "d", "0d", "-1d", "1.5d", "90 d", "90m", "", "999999d"].map((age) => [
      ["delete", `--older-than=${age}`],
    ]),
    [["delete", "--older-than"]],
    [["delete", "--older-than=90d", "--files=false"]],
    [["list", "--files"]],
    [["--older-than=90d"]],
  ])("%j is refused, and nothing is opened", async (words) => {
    const bench = await openBench();
    const { code, stderr, said } = await bench.run(["jobs", ...words]);
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(stderr).toMatch(/older-than|files/);
    expect(await isThere(join(bench.dataDir, "jobs.db"))).toBe(false);
  });
});
