import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { type Column, columnsOf } from "../../src/jobs/rows.ts";
import { type Database, isNetworkFileSystem, MIGRATIONS, migrate } from "../../src/jobs/schema.ts";
import { SqliteJobStore } from "../../src/jobs/sqlite.ts";
import { leftJob, NO_LIMITS, OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

let folder: string;

beforeEach(async () => {
  folder = join(await tempDir(), "data");
  await mkdir(folder);
});

/** A database as the program of that version left it, with this job in it. */
function databaseOf(version: number, job: Job): Database {
  const db = new DatabaseSync(join(folder, "jobs.db"));
  db.exec("PRAGMA journal_mode=WAL");
  migrate(db, MIGRATIONS.slice(0, version));
  const values: Record<string, Column> = { ...columnsOf(job), delivered: 0 };
  const names = columnNames(db).filter((name) => name in values);
  db.prepare(
    `INSERT INTO jobs (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
  ).run(...names.map((name) => values[name] ?? null));
  return db;
}

function columnNames(db: Database): string[] {
  return db
    .prepare("SELECT name FROM pragma_table_info('jobs')")
    .all()
    .map((row) => String(Object.values(row ?? {})[0]));
}

function versionOf(db: Database): unknown {
  return db.prepare("PRAGMA user_version").get();
}

/** What a job may hold in every version. */
function paidJob(): Job {
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

    const store = new SqliteJobStore(folder);
    onTestFinished(() => store.close());
    // The first version kept no reserve; later ones keep all of it.
    const expected = version === 1 ? { ...job, reservedUsd: null } : job;
    expect(await store.get(OWNER, job.jobId)).toEqual(expected);
    expect(await store.spending(OWNER, job.createdAt)).toMatchObject({
      today: { spentUsd: 0.13, jobs: 1 },
    });
    const rules = { forceNew: false, now: 1, limits: NO_LIMITS };
    expect(await store.admit(running, "me", rules)).toEqual({ kind: "new" });
    expect(await store.patch(job.jobId, { warnings: [] }, 7)).toMatchObject({ updatedAt: 7 });
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
