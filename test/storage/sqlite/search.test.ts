import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { queryWords } from "../../../src/core/search-words.ts";
import type { WholeJob } from "../../../src/jobs/job.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { removeWords } from "../../../src/storage/sqlite/search-rows.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../../src/storage/sqlite/sqlite-thread-store.ts";
import { aJob, aMedium } from "../../support/made-jobs.ts";
import { leftJob, OWNER, recordJob } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const job = (letter: string) => `job_${letter.repeat(26)}`;

/** A folder that the program left when its schema was at a version. */
async function folderOf(version: number): Promise<string> {
  const folder = join(await tempDir(), "data");
  await mkdir(folder);
  const packed = await readFile(join(import.meta.dirname, `../../fixtures/jobs-v${version}.db.gz`));
  await writeFile(join(folder, "jobs.db"), gunzipSync(packed));
  return folder;
}

function open(folder: string): SqliteJobStore {
  const store = new SqliteJobStore(new Connection(folder));
  onTestFinished(() => store.close());
  return store;
}

async function threadsOf(version: number): Promise<SqliteThreadStore> {
  const connection = new Connection(await folderOf(version));
  onTestFinished(() => connection.close());
  return new SqliteThreadStore(connection);
}

async function found(store: SqliteJobStore, query: string): Promise<string[]> {
  const { jobs } = await store.list({ owner: OWNER, limit: 100, words: queryWords(query) });
  return jobs.map(({ jobId }) => jobId);
}

describe("a database of a version that could not search", () => {
  it.each([
    ["snow cabin", ["a"]],
    ["blurry", ["a"]],
    ["猫", ["b"]],
    ["grosser cafe", ["c"]],
    ["крыше roof", ["d"]],
    ["copy png", ["d", "c", "b", "a"]],
    ["lighthouse", ["f"]],
    ["longcat", ["f", "e", "d"]],
    ["nothing", []],
  ])("is searched for %s", async (query, letters) => {
    expect(await found(open(await folderOf(9)), query)).toEqual(letters.map(job));
  });

  it("keeps all jobs as they were", async () => {
    const store = open(await folderOf(9));
    expect((await store.list({ owner: OWNER, limit: 10 })).jobs).toHaveLength(6);
    expect(await store.get(OWNER, job("a"))).toMatchObject({
      input: { prompt: "A cabin in the snow, at night", seed: 7 },
      state: "completed",
      media: [{ path: "/pictures/cabin.png" }],
    });
    expect((await store.spending(OWNER, 0)).total).toMatchObject({ jobs: 4, spentUsd: 0.2 });
  });

  it("has its threads found, by tasks and by attached files", async () => {
    const threads = await threadsOf(9);
    for (const [query, count] of [
      ["lighthouse whale minutes", 1],
      ["notes", 0],
    ] as const) {
      const page = await threads.list(OWNER, 5, undefined, queryWords(query));
      expect(page.threads, query).toHaveLength(count);
    }
  });

  it("is searched alike by two processes at once, and beside what is new", async () => {
    const folder = await folderOf(9);
    const [one, two] = [open(folder), open(folder)];
    const fresh = leftJob({ baseUrl: "https://gateway.example", input: { prompt: "A cabin" } });
    await recordJob(one, fresh, "me");
    const expected = [fresh.jobId, job("a")];
    expect(await Promise.all([found(one, "cabin"), found(two, "cabin")])).toEqual([
      expected,
      expected,
    ]);
    await recordJob(two, leftJob({ baseUrl: "https://g.example" }), "me");
    expect(await found(one, "cabin")).toEqual(expected);
  });

  it("of any version", async () => {
    expect(await found(open(await folderOf(5)), "boat running")).toHaveLength(1);
    expect((await found(open(await folderOf(8)), "generate")).length).toBeGreaterThan(0);
  });
});

describe("what a job is found by", () => {
  const CABIN = { prompt: "A cabin" };
  const media = (name: string) => [aMedium({ path: `/pictures/${name}.png` })];

  async function opened() {
    const folder = join(await tempDir(), "data");
    const connection = new Connection(folder);
    const store = new SqliteJobStore(connection);
    onTestFinished(() => store.close());
    const count = (table: string) => connection.all(`SELECT 1 FROM ${table}`, []).length;
    return { folder, connection, store, count };
  }

  async function add(store: SqliteJobStore, change: Partial<WholeJob> = {}) {
    const one = aJob({ input: CABIN, ...change });
    await recordJob(store, one, "me");
    return one;
  }

  it("costs the index nothing while jobs are recorded, and is written for many at once", async () => {
    const { store, count } = await opened();
    const made: WholeJob[] = [];
    for (let n = 0; n < 3; n++) made.push(await add(store));
    await store.patch(OWNER, made[0]?.jobId ?? "", { media: media("harbour") }, 1);
    expect([count("job_words"), count("pending_words")]).toEqual([0, 3]);
    expect(await found(store, "cabin")).toEqual(made.map(({ jobId }) => jobId).reverse());
    expect([count("job_words"), count("pending_words")]).toEqual([3, 0]);
    expect(await found(store, "harbour")).toEqual([made[0]?.jobId]);
  });

  it("is there for other processes, also when the one that recorded it is gone", async () => {
    const { folder, store } = await opened();
    const { jobId } = await add(store);
    expect(await found(open(folder), "cabin")).toEqual([jobId]);
    await store.patch(OWNER, jobId, { media: media("ferry") }, 1);
    await store.close();
    const other = open(folder);
    expect(await found(other, "ferry cabin")).toEqual([jobId]);
    await other.patch(OWNER, jobId, { media: media("island") }, 2);
    expect(await found(other, "ferry")).toEqual([]);
    expect(await found(open(folder), "island")).toEqual([jobId]);
  });

  it("is written when there is time, before anybody searches", async () => {
    const { store, count } = await opened();
    await add(store);
    await store.forgetDuplicates(0);
    expect([count("job_words"), count("pending_words")]).toEqual([1, 0]);
  });

  it("is never written of a job that is deleted, or whose words are forgotten, before that", async () => {
    const { folder, store, count } = await opened();
    const [gone, silent] = [await add(store), await add(store)];
    await store.delete(OWNER, [gone.jobId], { withFiles: false, now: 1 });
    await store.patch(OWNER, silent.jobId, { input: { prompt: "" } }, 1);
    expect(count("pending_words")).toBe(1);
    expect(await found(store, "cabin")).toEqual([]);
    expect(await found(store, "image")).toEqual([silent.jobId]);
    await store.close();
    expect((await readFile(join(folder, "jobs.db"))).toString("latin1")).not.toMatch(/cabin/i);
  });

  it("is what it was on a disk that takes nothing more", async () => {
    const { connection, store } = await opened();
    const { jobId } = await add(store);
    expect(await found(store, "cabin")).toEqual([jobId]);
    await add(store);
    connection.all("PRAGMA query_only=ON", []);
    expect(await found(store, "cabin")).toEqual([jobId]);
    connection.all("PRAGMA query_only=OFF", []);
    expect(await found(store, "cabin")).toHaveLength(2);
  });
});

describe("words that are removed", () => {
  /** Enough for an index of many pages, whose directory names words. */
  const MANY = 4_000;
  /** Words that differ in their end only stand whole in the directory. */
  const secret = (n: number) => `secret${100_000 + n}`;

  it("leave no byte, wherever in the index they stood", async () => {
    const folder = await tempDir();
    const connection = new Connection(folder);
    connection.all("PRAGMA synchronous=OFF", []);
    connection.transaction(() => {
      for (let n = 1; n <= MANY; n++) {
        connection.run("INSERT INTO job_words (rowid, asked, files) VALUES (?, ?, ?)", [
          n,
          `${secret(n)} picture`,
          "png",
        ]);
      }
    });
    const doomed = Array.from({ length: MANY / 2 }, (_, index) => index * 2 + 1);
    for (const n of doomed) {
      connection.transaction(() => removeWords(connection, "job_words", "VALUES (?)", [String(n)]));
    }
    const left = (n: number) =>
      connection.all("SELECT rowid FROM job_words WHERE job_words MATCH ?", [secret(n)]).length;
    expect(doomed.map(left).filter((count) => count > 0)).toEqual([]);
    expect(left(2)).toBe(1);
    connection.close();
    const bytes = (await readFile(join(folder, "jobs.db"))).toString("latin1");
    expect(doomed.map(secret).filter((word) => bytes.includes(word))).toEqual([]);
    expect(bytes).toContain(secret(2));
  });
});
