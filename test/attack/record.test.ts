import { copyFile, link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";

const IMAGE = "z_image_turbo_generate";
let bench: Bench;
let boats = 0;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const database = (suffix = "") => join(bench.dataDir, `jobs.db${suffix}`);
const boat = () => ({ prompt: `Boat ${++boats}`, image_size: "square_1_1" });
const buy = (client: McpClient) => client.call(IMAGE, { ...boat(), wait_seconds: 45 });

/** A server that has bought a picture. */
async function serverWithJob() {
  const { client, program } = await bench.connect("sdk 1.x");
  const first = await buy(client);
  expect(textOf(first)).toMatch(/ completed in /);
  return { client, program, first: jobIdOf(first) };
}

/** Whatever is tried, nothing is sent. */
async function expectRefused(client: McpClient, reason: RegExp): Promise<void> {
  const before = bench.posts;
  for (const [tool, args] of [
    [IMAGE, boat()],
    ["qwen_image_generate", { prompt: boat().prompt }],
    ["longcat_chat", { prompt: boat().prompt }],
  ] as const) {
    const refused = await client.call(tool, args);
    expect(refused.isError, tool).toBe(true);
    expect(textOf(refused)).toMatch(reason);
    expect(textOf(refused)).toMatch(/^storage: [\s\S]*\nNext: [\s\S]*Nothing was bought/);
  }
  expect(bench.posts).toBe(before);
}

/** The jobs that whoever opens the folder next would find. */
async function jobsOnDisk(): Promise<string[]> {
  const store = new SqliteJobStore(new Connection(bench.dataDir));
  try {
    const { jobs } = await store.list({ owner: "local", limit: 100 });
    return jobs.map((job) => job.jobId);
  } finally {
    await store.close();
  }
}

/** Another database of this program's, closed. */
async function otherDatabase(): Promise<string> {
  const folder = join(bench.folder, "other");
  await new SqliteJobStore(new Connection(folder)).close();
  return join(folder, "jobs.db");
}

describe("a database that goes while the program runs", () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["deleted", () => rm(database()), /was deleted or moved while the program ran/],
    [
      "deleted with its log",
      () => Promise.all(["", "-wal", "-shm"].map((suffix) => rm(database(suffix)))),
      /was deleted or moved/,
    ],
    ["with its folder", () => rm(bench.dataDir, { recursive: true }), /was deleted or moved/],
    [
      "replaced by another database",
      async () => rename(await otherDatabase(), database()),
      /was replaced by another file/,
    ],
    [
      "with another one copied over it",
      async () => copyFile(await otherDatabase(), database()),
      /was overwritten/,
    ],
    ["overwritten with something else", () => writeFile(database(), "Notes"), /was overwritten/],
    ["emptied", () => writeFile(database(), ""), /was overwritten/],
  ])("%s: nothing is bought, however often it is tried", async (_, attack, reason) => {
    const { client } = await serverWithJob();
    await attack();
    await expectRefused(client, reason);
    await expectRefused(client, reason);
  });

  test("leaves a log, without which nobody begins an empty record by mistake", async () => {
    const { client, program } = await serverWithJob();
    await rm(database());
    const second = await bench.connect("client 2.x");
    await expectRefused(second.client, /jobs\.db is gone, but its log .*jobs\.db-wal is there/);
    await client.close();
    await program.exited();
    const third = await bench.connect("sdk 1.x");
    await expectRefused(third.client, /is gone, but its log/);
  });

  test("and is put back: everything goes on, in every process", async () => {
    const { client, first } = await serverWithJob();
    const other = await bench.connect("client 2.x");
    await other.client.call("job_list", {});
    const kept = join(bench.folder, "kept.db");
    await rename(database(), kept);
    await expectRefused(client, /was deleted or moved/);
    await expectRefused(other.client, /was deleted or moved/);
    await rename(kept, database());
    const bought = [await buy(client), await buy(other.client)];
    for (const one of bought) expect(textOf(one)).toMatch(/ completed in /);
    expect(await jobsOnDisk()).toEqual([...bought.map(jobIdOf).reverse(), first]);
  });

  test("with its folder moved, and moved back", async () => {
    const { client, first } = await serverWithJob();
    await rename(bench.dataDir, join(bench.folder, "elsewhere"));
    await expectRefused(client, /was deleted or moved/);
    await mkdir(bench.dataDir);
    await expectRefused(client, /was deleted or moved/);
    await rm(bench.dataDir, { recursive: true });
    await rename(join(bench.folder, "elsewhere"), bench.dataDir);
    const second = await buy(client);
    expect(await jobsOnDisk()).toEqual([jobIdOf(second), first]);
  });

  test("takes no result with it that was paid before", async () => {
    const { client } = await serverWithJob();
    const running = await client.call(IMAGE, { ...boat(), wait_seconds: 0 });
    await rm(database());
    expect(textOf(await finished(client, jobIdOf(running)))).toMatch(/ completed in /);
  });

  test("between two tries of a job: it is not sent again", async () => {
    const { client } = await serverWithJob();
    const headers = { "retry-after": "8" };
    bench.sandbox.faults.add({ kind: "status", status: 429, headers, times: 1 });
    const before = bench.posts;
    const call = client.call(IMAGE, { ...boat(), wait_seconds: 0 });
    await expect.poll(() => bench.posts, PATIENTLY).toBe(before + 1);
    const kept = join(bench.folder, "kept.db");
    await link(database(), kept);
    await rm(database());
    const waiting = await call;
    const status = () => client.call("job_status", { job_id: jobIdOf(waiting), wait_seconds: 0 });
    await expect
      .poll(async () => textOf(await status()), PATIENTLY)
      .toMatch(/is queued .*[\s\S]*held up.*was deleted or moved/);
    expect(bench.posts).toBe(before + 1);
    await rename(kept, database());
    expect(textOf(await finished(client, jobIdOf(waiting)))).toMatch(/ completed in /);
    expect(bench.posts).toBe(before + 2);
  });
});

describe("a log that is removed while the program runs", () => {
  test.each([[["-wal"]], [["-shm"]], [["-wal", "-shm"]]])(
    "%j: one purchase is refused, and nothing is missing afterwards",
    async (suffixes) => {
      const { client, first } = await serverWithJob();
      for (const suffix of suffixes) await rm(database(suffix));
      const refused = await client.call(IMAGE, boat());
      expect(textOf(refused)).toMatch(
        /^storage: .*lost its log.* has been put back\.\nNext: Call again/,
      );
      expect(bench.posts).toBe(1);
      const second = await buy(client);
      expect(textOf(second)).toMatch(/ completed in /);
      expect(await jobsOnDisk()).toEqual([jobIdOf(second), first]);
    },
  );

  test("under two processes: both refuse until one has ended", async () => {
    const { client, program, first } = await serverWithJob();
    const other = await bench.connect("client 2.x");
    const second = jobIdOf(await buy(other.client));
    await rm(database("-wal"));
    await expectRefused(client, /lost its log/);
    await expectRefused(other.client, /lost its log/);
    await client.close();
    await program.exited();
    expect(textOf(await other.client.call(IMAGE, boat()))).toMatch(/has been put back/);
    const third = jobIdOf(await buy(other.client));
    expect(await jobsOnDisk()).toEqual([third, second, first]);
  });

  test("by writing over it: nothing is bought", async () => {
    const { client } = await serverWithJob();
    await writeFile(database("-wal"), "Notes");
    await expectRefused(client, /has a log that was overwritten/);
  });
});

describe("after an orderly end", () => {
  test("the database is one file, and a copy of it is complete", async () => {
    const { client, program, first } = await serverWithJob();
    const other = await bench.connect("client 2.x");
    const second = jobIdOf(await buy(other.client));
    await client.close();
    await program.exited();
    const third = jobIdOf(await buy(other.client));
    await other.client.close();
    await other.program.exited();
    await expect(readFile(database("-wal"))).rejects.toThrow("ENOENT");
    const copy = join(bench.folder, "copy.db");
    await copyFile(database(), copy);
    const db = new DatabaseSync(copy, { readOnly: true });
    const rows = db.prepare("SELECT job_id, state FROM jobs ORDER BY seq").all();
    db.close();
    expect(rows).toEqual([first, second, third].map((job_id) => ({ job_id, state: "completed" })));
  });
});
