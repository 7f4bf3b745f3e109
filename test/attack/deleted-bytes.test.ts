import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { queryWords } from "../../src/core/search-words.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const SECRET = "Quarzsandgrube";
const WISHES = { withFiles: false, now: 1_000 };

/** Files of a data folder that hold the word, in any case. */
async function traces(folder: string): Promise<string[]> {
  const found = [];
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), "latin1").catch(() => "");
    if (text.toLowerCase().includes(SECRET.toLowerCase())) found.push(name);
  }
  return found;
}

async function openStore() {
  const folder = await tempDir();
  const store = new SqliteJobStore(new Connection(folder));
  onTestFinished(() => store.close());
  const add = async (prompt: string) => {
    const medium = { index: 1, url: "https://a.example/1.png", path: `/p/${prompt.slice(0, 30)}` };
    const facts = { mimeType: "image/png", sizeBytes: 1, sha256: "ab", copies: [] };
    const job = leftJob({
      ...{ baseUrl: "https://a.example", state: "failed", charge: "none", input: { prompt } },
      ...{ error: { code: "content_rejected", message: prompt }, warnings: [prompt] },
      ...{ wire: { prompt }, saveTo: prompt.slice(0, 20), mediaUrls: [prompt] },
      media: [{ ...medium, ...facts }],
    });
    await recordJob(store, job, "me");
    return job.jobId;
  };
  return { folder, store, add };
}

describe("the bytes of a deleted job", () => {
  test("are gone while the store is open, among many others, whatever their size", async () => {
    const { folder, store, add } = await openStore();
    const doomed = [];
    for (let n = 0; n < 90; n++) {
      const isDoomed = n % 3 === 1;
      const jobId = await add(`${isDoomed ? SECRET : "Kept"} ${"x".repeat((n * 197) % 9_000)}`);
      if (isDoomed) doomed.push(jobId);
    }
    expect(await traces(folder)).not.toEqual([]);
    expect((await store.delete(OWNER, doomed, WISHES)).deleted).toHaveLength(30);
    expect(await traces(folder)).toEqual([]);
    expect((await store.list({ owner: OWNER, limit: 100 })).jobs).toHaveLength(60);
    const words = queryWords("kept");
    expect((await store.list({ owner: OWNER, words, limit: 100 })).jobs).toHaveLength(60);
  });

  test("go as soon as another process no longer reads the log that has them", async () => {
    const { folder, store, add } = await openStore();
    const jobId = await add(SECRET);
    const reader = new DatabaseSync(join(folder, "jobs.db"));
    onTestFinished(() => reader.close());
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM jobs").get();
    await store.delete(OWNER, [jobId], WISHES);
    await store.changes();
    expect(await traces(folder)).not.toEqual([]);
    expect(await store.get(OWNER, jobId)).toBeUndefined();
    reader.exec("COMMIT");
    await store.changes();
    expect(await traces(folder)).toEqual([]);
  });

  test("go with whoever hears of it, where the one that deleted it has ended", async () => {
    const { folder, store, add } = await openStore();
    const jobId = await add(SECRET);
    await store.changes();
    const reader = new DatabaseSync(join(folder, "jobs.db"));
    onTestFinished(() => reader.close());
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM jobs").get();
    const other = new SqliteJobStore(new Connection(folder));
    await other.delete(OWNER, [jobId], WISHES);
    await other.close();
    expect(await traces(folder)).not.toEqual([]);
    reader.exec("COMMIT");
    expect(await store.deletions()).toMatchObject([{ jobId }]);
    expect(await traces(folder)).toEqual([]);
  });
});
