import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { type Column, columnsOf } from "../../src/jobs/rows.ts";
import { type Database, MIGRATIONS, migrate } from "../../src/jobs/schema.ts";
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
