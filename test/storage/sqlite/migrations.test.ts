import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { JOB_STATES, type WholeJob } from "../../../src/jobs/job.ts";
import { bodyColumnsOf, type Column, columnsOf } from "../../../src/storage/rows/job-rows.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { type Database, MIGRATIONS, migrate } from "../../../src/storage/sqlite/migrations.ts";
import { isNetworkFileSystem } from "../../../src/storage/sqlite/network-file-systems.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../../src/storage/sqlite/sqlite-thread-store.ts";
import { leftJob, NO_LIMITS, OWNER } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

let folder: string;

beforeEach(async () => {
  folder = join(await tempDir(), "data");
  await mkdir(folder);
});

/** A database as the program of that version left it, with this job in it. */
function databaseOf(version: number, job: WholeJob): Database {
  const db = new DatabaseSync(join(folder, "jobs.db"));
  db.exec("PRAGMA journal_mode=WAL");
  migrate(db, MIGRATIONS.slice(0, version));
  const values: Record<string, Column> = { ...columnsOf(job), ...bodyColumnsOf(job), delivered: 0 };
  for (const table of ["jobs", "job_bodies"]) {
    const names = columnNames(db, table).filter((name) => name in values);
    if (names.length === 0) continue;
    db.prepare(
      `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ).run(...names.map((name) => values[name] ?? null));
  }
  return db;
}

function columnNames(db: Database, table: string): string[] {
  return db
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all(table)
    .map((row) => String(Object.values(row ?? {})[0]));
}

function versionOf(db: Database): unknown {
  return db.prepare("PRAGMA user_version").get();
}

/** What a job may hold in every version. */
function paidJob(): WholeJob {
  return leftJob({
    baseUrl: "https://gateway.example",
    state: "completed",
    charge: "spent",
    requestId: "longcat-image-498_019d",
    completedAt: 1_700_000_000_000,
    costUsd: 0.13,
    mediaUrls: ["https://a.example/1.png"],
    media: [
      {
        index: 1,
        url: "https://a.example/1.png",
        path: "/pictures/1.png",
        mimeType: "image/png",
        width: 1024,
        height: 768,
        sizeBytes: 123,
        sha256: "ab",
        copies: [],
      },
    ],
    warnings: ["One"],
  });
}

const versions = MIGRATIONS.map((_, index) => index + 1);

describe("a network file system", () => {
  it.each([
    ["9p", 0x01021997],
    ["Ceph", 0x00c36400],
    ["CIFS", 0xff534d42],
    ["GFS2", 0x01161970],
    ["GPFS", 0x47504653],
    ["Lustre", 0x0bd00bd0],
    ["NFS", 0x6969],
    ["OCFS2", 0x7461636f],
    ["SMB", 0x517b],
    ["SMB2", 0xfe534d42],
    ["VMware", 0xbacbacbc],
  ])("is known by its number, with and without a sign: %s", (_name, type) => {
    expect(isNetworkFileSystem(type)).toBe(true);
    expect(isNetworkFileSystem(type | 0)).toBe(true);
  });

  it.each([
    ["ext4", 0xef53],
    ["XFS", 0x58465342],
    ["Btrfs", 0x9123683e],
    ["ZFS", 0x2fc12fc1],
    ["tmpfs", 0x01021994],
    ["overlayfs", 0x794c7630],
    ["FUSE, which may be local", 0x65735546],
    ["APFS on macOS", 0x1a],
    ["Windows", 0],
  ])("is not seen in a local one: %s", (_name, type) => {
    expect(isNetworkFileSystem(type)).toBe(false);
    expect(isNetworkFileSystem(type | 0)).toBe(false);
  });
});

describe("a database of an earlier version", () => {
  it.each(versions)("%i is brought up to date with its jobs", async (version) => {
    const job = paidJob();
    const running = leftJob({ baseUrl: job.baseUrl, state: "running", requestId: "z-image_1" });
    const db = databaseOf(version, job);
    db.close();

    const store = new SqliteJobStore(new Connection(folder));
    onTestFinished(() => store.close());
    // The first version kept no reserve; later ones keep all of it.
    const expected = version === 1 ? { ...job, reservedUsd: null } : job;
    expect(await store.get(OWNER, job.jobId)).toEqual(expected);
    expect(await store.spending(OWNER, job.createdAt)).toMatchObject({
      today: { spentUsd: 0.13, jobs: 1 },
    });
    const rules = { forceNew: false, now: 1, limits: NO_LIMITS };
    expect(await store.admit(running, "me", rules)).toEqual({ kind: "new" });
    expect(await store.patch(OWNER, job.jobId, { warnings: [] }, 7)).toMatchObject({
      updatedAt: 7,
    });
  });

  it.each(versions)("%i is left as it is when a step fails half way", (version) => {
    const job = paidJob();
    const db = databaseOf(version, job);
    onTestFinished(() => db.close());
    const contents = () => ({
      version: versionOf(db),
      schema: db.prepare("SELECT * FROM sqlite_schema ORDER BY name").all(),
      jobs: db.prepare("SELECT * FROM jobs").all(),
    });
    const before = contents();
    const failing = "CREATE TABLE half (x); DELETE FROM jobs; ALTER TABLE missing ADD COLUMN y;";
    expect(() => migrate(db, [...MIGRATIONS, failing])).toThrow("missing");
    expect(db.isTransaction).toBe(false);
    expect(contents()).toEqual(before);
    migrate(db);
    expect(db.prepare("SELECT job_id FROM jobs").all()).toMatchObject([{ job_id: job.jobId }]);
  });
});

/**
 * A folder that the program left when its schema was at that version: a job in every state, in the
 * order of their lives, and a thread of two turns with a file.
 */
async function storedDatabase(version: number): Promise<void> {
  const name = `../../fixtures/jobs-v${version}.db.gz`;
  const packed = await readFile(join(import.meta.dirname, name));
  await writeFile(join(folder, "jobs.db"), gunzipSync(packed));
}

describe.each([5, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18])(
  "a database that the program has written at version %i",
  (version) => {
    it("shows every job as it was, and the thread", async () => {
      await storedDatabase(version);
      const connection = new Connection(folder);
      const store = new SqliteJobStore(connection);
      onTestFinished(() => store.close());
      const { jobs } = await store.list({ owner: OWNER, limit: 100 });
      expect(jobs.map((job) => job.state).reverse()).toEqual([
        ...JOB_STATES,
        "completed",
        "completed",
      ]);
      for (const { jobId, state, operation } of jobs.slice(2)) {
        expect(await store.get(OWNER, jobId)).toMatchObject({
          operation,
          threadId: null,
          fingerprint: await store.digest(`print-of-${state}`),
          input: { prompt: `A boat that is ${state}`, image_size: "square_1_1" },
        });
      }
      const key = await store.digest("once");
      const completed = jobs.find((job) => job.idempotencyKey === key);
      expect(completed).toMatchObject({ costUsd: 0.05, warnings: ["One"], media: [{ index: 1 }] });

      const [turn] = jobs;
      const threads = new SqliteThreadStore(connection);
      const [thread] = (await threads.list(OWNER, 10, undefined)).threads;
      expect(turn).toMatchObject({ operation: "longcat_chat", threadId: thread?.threadId });
      expect(thread).toMatchObject({ turns: 2, files: 1 });
      expect(await threads.said(OWNER, turn?.jobId ?? "")).toEqual({
        answer: "It says notes.",
        reasoning: "Let me see.",
      });
    });

    it("has figures that are those of its jobs", async () => {
      await storedDatabase(version);
      const store = new SqliteJobStore(new Connection(folder));
      onTestFinished(() => store.close());
      const { jobs } = await store.list({ owner: OWNER, limit: 100 });
      const { total } = await store.spending(OWNER, 9);
      const { counted, oldest } = await store.figures();
      for (const state of JOB_STATES) {
        const here = counted.filter((one) => one.state === state);
        const number = here.reduce((sum, one) => sum + one.jobs, 0);
        expect(number, state).toBe(jobs.filter((job) => job.state === state).length);
      }
      const usd = (charge: string) =>
        counted.reduce((sum, one) => sum + (one.charge === charge ? one.usd : 0), 0);
      expect(usd("spent")).toBeCloseTo(total.spentUsd, 9);
      expect(usd("reserved")).toBeCloseTo(total.reservedUsd, 9);
      expect(usd("uncertain")).toBeCloseTo(total.uncertainUsd, 9);
      expect(oldest).toHaveLength(4);
    });

    it("has as many bytes of files as its jobs say", async () => {
      await storedDatabase(version);
      const store = new SqliteJobStore(new Connection(folder));
      onTestFinished(() => store.close());
      const { jobs } = await store.list({ owner: OWNER, limit: 100 });
      const sizes = jobs.flatMap(({ media }) => media).map(({ sizeBytes }) => sizeBytes);
      expect(sizes).toEqual([123]);
      expect((await store.held(OWNER)).keptBytes).toBe(123);
    });

    it("goes on: what was not sent still can be, what was is followed, money counts", async () => {
      await storedDatabase(version);
      const store = new SqliteJobStore(new Connection(folder));
      onTestFinished(() => store.close());
      const taken = await store.takeOver("me", ["a-process-that-is-gone"], undefined);
      expect(taken.map((job) => job.state)).toEqual([
        "queued",
        "submitting",
        "running",
        "downloading",
      ]);
      const queued = await store.get(OWNER, taken[0]?.jobId ?? "");
      expect(queued?.wire).toEqual(queued?.input);
      const patch = { requestId: "z-image-turbo-834_new", wire: null };
      const sent = await store.transition(OWNER, queued?.jobId ?? "", {
        from: "queued",
        to: "submitting",
        patch: {},
        now: 7,
      });
      await store.transition(OWNER, sent?.jobId ?? "", {
        from: "submitting",
        to: "running",
        patch,
        now: 8,
      });
      expect(await store.get(OWNER, queued?.jobId ?? "")).toMatchObject({
        ...patch,
        state: "running",
      });

      const { total } = await store.spending(OWNER, 9);
      expect(total).toMatchObject({
        spentUsd: 0.05,
        reservedUsd: 0.2,
        uncertainUsd: 0.05,
        jobs: 6,
      });
      const rules = { forceNew: false, now: 1, limits: NO_LIMITS };
      const repeat = leftJob({
        baseUrl: "https://gateway.example",
        idempotencyKey: await store.digest("once"),
        fingerprint: await store.digest("print-of-completed"),
      });
      expect(await store.admit(repeat, "me", rules)).toMatchObject({
        kind: "duplicate",
        job: { state: "completed" },
      });
    });

    it("of version 8 keeps no key and no fingerprint as it was, and deletes what it had", async () => {
      await storedDatabase(8);
      const store = new SqliteJobStore(new Connection(folder));
      const { jobs } = await store.list({ owner: OWNER, limit: 100 });
      expect(jobs).toHaveLength(JOB_STATES.length + 1);
      const before = await store.spending(OWNER, 9);
      const ended = jobs.filter(({ state, charge, threadId }) => {
        return threadId === null && ["none", "spent"].includes(charge) && state !== "queued";
      });
      const ids = ended.map(({ jobId }) => jobId);
      const wishes = { withFiles: false, now: 9 };
      expect((await store.delete(OWNER, ids, wishes)).deleted).toHaveLength(4);
      expect(await store.spending(OWNER, 9)).toEqual(before);
      await store.close();
      const bytes = await readFile(join(folder, "jobs.db"), "latin1");
      expect(bytes).toContain("lighthouse that is unknown");
      for (const word of ["print-of-", "once", "lighthouse that is completed", "is failed"]) {
        expect(bytes, word).not.toContain(word);
      }
    });
  },
);

it("jobs that have one request keep it, and nobody else is given it", async () => {
  const twice = { state: "completed", charge: "spent", requestId: "z-image_1" } as const;
  const first = leftJob({ baseUrl: "https://gateway.example", ...twice });
  const db = databaseOf(13, first);
  const second = leftJob({ baseUrl: "https://gateway.example", ...twice, owner: "other" });
  const values: Record<string, Column> = { ...columnsOf(second), ...bodyColumnsOf(second) };
  for (const table of ["jobs", "job_bodies"]) {
    const names = columnNames(db, table).filter((name) => name in values);
    db.prepare(
      `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ).run(...names.map((name) => values[name] ?? null));
  }
  db.close();
  const store = new SqliteJobStore(new Connection(folder));
  onTestFinished(() => store.close());
  expect(await store.get(OWNER, first.jobId)).toEqual(first);
  expect(await store.get("other", second.jobId)).toEqual(second);
  const doubtful = leftJob({ baseUrl: first.baseUrl, state: "unknown", charge: "uncertain" });
  await store.admit(doubtful, "me", { forceNew: true, now: 1, limits: NO_LIMITS });
  const step = { from: "unknown", to: "running", isFound: true, now: 2 } as const;
  const found = (requestId: string) =>
    store.transition(OWNER, doubtful.jobId, { ...step, patch: { requestId } });
  expect(await found("z-image_1")).toBeUndefined();
  expect(await found("z-image_2")).toMatchObject({ state: "running", requestId: "z-image_2" });
});
