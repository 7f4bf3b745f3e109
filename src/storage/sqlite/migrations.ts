import { randomInt } from "node:crypto";
import { chmodSync, closeSync, openSync, statfsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import { DATABASE_FILE } from "../../core/folder-names.ts";
import { makeFolderSync } from "../../core/make-folder.ts";
import { refuseMoved } from "../../core/moved-mark.ts";
import { oneLine } from "../../core/text.ts";
import { keyedDigest } from "../rows/keyed-digest.ts";
import { AUDIT_TABLES } from "./audit-tables.ts";
import { FIGURE_TABLES } from "./figure-tables.ts";
import { FILE_SUM_TABLES, UNUSED_INDEX } from "./file-sum-tables.ts";
import { MONEY_TABLES } from "./money-tables.ts";
import { isNetworkFileSystem } from "./network-file-systems.ts";
import { QUESTION_TABLES } from "./question-tables.ts";
import { PENDING_WORDS, SEARCH_TABLES } from "./search-tables.ts";
import { UPLOAD_TABLES } from "./upload-tables.ts";
import { USER_TABLES } from "./user-tables.ts";
import { WEBHOOK_TABLES } from "./webhook-tables.ts";

export type Database = InstanceType<typeof DatabaseSync>;

export const BUSY_TIMEOUT_MS = 10_000;
const LARGEST_ID = 2 ** 31 - 1;
/** The version from which on nothing that was deleted stays in the file. */
const SECURE_SINCE = 7;

/** Forward only; the n-th entry brings a database from version n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    operation TEXT NOT NULL,
    input TEXT NOT NULL,
    wire TEXT,
    base_url TEXT NOT NULL,
    save_to TEXT,
    state TEXT NOT NULL,
    charge TEXT NOT NULL,
    request_id TEXT,
    upstream_status TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    accepted_at INTEGER,
    completed_at INTEGER,
    cost_usd REAL,
    error TEXT,
    media_urls TEXT NOT NULL,
    media TEXT NOT NULL,
    warnings TEXT NOT NULL,
    delivered INTEGER NOT NULL,
    orphaned INTEGER NOT NULL,
    lease_holder TEXT,
    lease_until INTEGER
  ) STRICT;
  CREATE INDEX jobs_by_request ON jobs (request_id) WHERE request_id IS NOT NULL;
  CREATE INDEX jobs_unfinished ON jobs (state)
    WHERE state IN ('queued', 'submitting', 'running', 'downloading');
  CREATE INDEX jobs_news ON jobs (orphaned) WHERE orphaned = 1 AND delivered = 0;`,

  `DROP INDEX jobs_news;
  ALTER TABLE jobs DROP COLUMN delivered;
  ALTER TABLE jobs DROP COLUMN lease_until;
  ALTER TABLE jobs ADD COLUMN delivered_at INTEGER;
  ALTER TABLE jobs ADD COLUMN fingerprint TEXT;
  ALTER TABLE jobs ADD COLUMN idempotency_key TEXT;
  ALTER TABLE jobs ADD COLUMN reserved_usd REAL;
  ALTER TABLE jobs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX jobs_news ON jobs (orphaned) WHERE orphaned = 1 AND delivered_at IS NULL;
  CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint) WHERE fingerprint IS NOT NULL;
  CREATE UNIQUE INDEX jobs_by_key ON jobs (owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
  CREATE INDEX jobs_by_time ON jobs (created_at);
  CREATE INDEX jobs_by_revision ON jobs (revision);
  CREATE TABLE holders (
    holder TEXT PRIMARY KEY,
    beat INTEGER NOT NULL
  ) STRICT;`,

  `CREATE TABLE chat_threads (
    thread_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    latest INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chat_threads_newest ON chat_threads (owner, latest);
  CREATE TABLE chat_turns (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    thread_id TEXT NOT NULL,
    request TEXT NOT NULL,
    outcome TEXT,
    is_open INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chat_turns_of_thread ON chat_turns (thread_id, seq);
  CREATE UNIQUE INDEX chat_turns_open ON chat_turns (thread_id) WHERE is_open = 1;
  CREATE TABLE chat_parts (
    job_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    answer TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    PRIMARY KEY (job_id, part)
  ) STRICT;
  CREATE TABLE chat_files (
    job_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    thread_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    json_bytes INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (job_id, position)
  ) STRICT;
  CREATE INDEX chat_files_of_thread ON chat_files (thread_id);
  CREATE TABLE chat_file_parts (
    job_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    part INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (job_id, position, part)
  ) STRICT;`,

  `ALTER TABLE jobs ADD COLUMN mentioned_at INTEGER;
  DROP INDEX jobs_news;
  CREATE INDEX jobs_news ON jobs (orphaned)
    WHERE orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL;`,

  "ALTER TABLE jobs ADD COLUMN settled_at INTEGER",

  `CREATE TABLE hosted_files (
    job_id TEXT NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    holder TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (job_id, name)
  ) STRICT;
  CREATE INDEX hosted_files_by_name ON hosted_files (name);`,

  // What can be large has a table of its own, so that lists never touch it.
  `CREATE TABLE job_bodies (
    job_id TEXT NOT NULL PRIMARY KEY,
    input TEXT NOT NULL,
    wire TEXT
  ) STRICT;
  INSERT INTO job_bodies (job_id, input, wire) SELECT job_id, input, wire FROM jobs;
  ALTER TABLE jobs ADD COLUMN thread_id TEXT;
  UPDATE jobs SET thread_id = json_extract(input, '$.thread_id')
    WHERE operation = 'longcat_chat' AND json_type(input, '$.thread_id') = 'text';
  ALTER TABLE jobs DROP COLUMN input;
  ALTER TABLE jobs DROP COLUMN wire;
  CREATE INDEX jobs_of_thread ON jobs (thread_id) WHERE thread_id IS NOT NULL;
  CREATE TRIGGER job_bodies_go AFTER DELETE ON jobs
    BEGIN DELETE FROM job_bodies WHERE job_id = old.job_id; END;`,

  // Only what was started here says how long such jobs take.
  `ALTER TABLE jobs ADD COLUMN warnings_told INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX jobs_durations ON jobs (owner, operation, completed_at, created_at)
    WHERE state = 'completed' AND fingerprint IS NOT NULL;`,

  // What is left of deleted jobs has no words, and what is only compared is kept as a digest.
  `CREATE TABLE store_secret (secret BLOB NOT NULL) STRICT;
  INSERT INTO store_secret (secret) VALUES (randomblob(32));
  UPDATE jobs SET
    fingerprint = keyed_digest((SELECT secret FROM store_secret), fingerprint),
    idempotency_key = keyed_digest((SELECT secret FROM store_secret), idempotency_key)
    WHERE fingerprint IS NOT NULL OR idempotency_key IS NOT NULL;
  CREATE TABLE deleted_jobs (
    job_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    operation TEXT NOT NULL,
    base_url TEXT NOT NULL,
    request_id TEXT,
    charge TEXT NOT NULL,
    reserved_usd REAL,
    cost_usd REAL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT,
    duplicates_until INTEGER,
    indexes TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX deleted_jobs_by_request ON deleted_jobs (request_id) WHERE request_id IS NOT NULL;
  CREATE INDEX deleted_jobs_by_key ON deleted_jobs (owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
  CREATE INDEX deleted_jobs_by_fingerprint ON deleted_jobs (fingerprint)
    WHERE fingerprint IS NOT NULL;
  CREATE INDEX deleted_jobs_by_time ON deleted_jobs (created_at);
  CREATE INDEX deleted_jobs_by_revision ON deleted_jobs (revision);
  CREATE TABLE doomed_files (
    job_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (job_id, ref)
  ) STRICT;`,

  SEARCH_TABLES,

  // Until then there was one owner only.
  `ALTER TABLE hosted_files ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';`,

  USER_TABLES,

  FIGURE_TABLES,

  WEBHOOK_TABLES,

  UPLOAD_TABLES,

  AUDIT_TABLES,

  MONEY_TABLES + PENDING_WORDS,

  QUESTION_TABLES,

  FILE_SUM_TABLES + UNUSED_INDEX,
];

/**
 * Opens or creates `jobs.db` in a folder (made with mode 0700 if it is missing) and brings it up
 * to date.
 * @throws {configuration} where the record is somewhere else now
 * @throws {storage} when it was written by a newer version of this program; or whatever the file
 *   system and SQLite throw.
 */
export function openDatabase(folder: string): Database {
  const path = join(folder, DATABASE_FILE);
  makeFolderSync(folder);
  refuseMoved(folder);
  if (isNetworkFileSystem(statfsSync(folder).type)) {
    throw new AppError("storage", `${oneLine(folder)} is on a network file system.`, {
      next: "Several processes cannot share a database there safely; choose a local folder with LONGCAT_MCP_DATA_DIR. Nothing was bought.",
    });
  }
  refuseOrphanedLog(path);
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    db.exec("PRAGMA journal_mode=WAL");
    db.exec("PRAGMA synchronous=FULL");
    // What is deleted is overwritten, not only left out.
    db.exec("PRAGMA secure_delete=ON");
    // Again, now that whoever moves it sees that it is in use.
    refuseMoved(folder);
    const version = versionOf(db);
    migrate(db);
    if (version > 0 && version < SECURE_SINCE) dropRemains(db);
    refuseNewer(db, path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs the steps that a database has not had yet: all of them, or none if one fails. */
export function migrate(db: Database, steps: readonly string[] = MIGRATIONS): void {
  if (versionOf(db) >= steps.length) return;
  db.function("keyed_digest", { deterministic: true }, keyedDigest);
  db.exec("BEGIN IMMEDIATE");
  try {
    // Asked again, because another process may have been faster.
    const version = versionOf(db);
    for (const step of steps.slice(version)) db.exec(step);
    // Tells this database from every other one, where its first page is looked at.
    if (applicationIdOf(db) === 0) db.exec(`PRAGMA application_id = ${randomInt(1, LARGEST_ID)}`);
    db.exec(`PRAGMA user_version = ${Math.max(version, steps.length)}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Rewrites a database without what earlier versions of this program deleted but left in it. */
function dropRemains(db: Database): void {
  try {
    db.exec("VACUUM");
  } catch {
    // Without room or in use by others, it is as good a database as before.
  }
}

/**
 * A log without its database is what stays when the database is deleted while a program uses it.
 * SQLite would throw it away and begin an empty one, without caps and without what was bought.
 */
function refuseOrphanedLog(path: string): void {
  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size;
  // The log first: a database that is being made is written before its log is there.
  if (sizeOf(`${path}-wal`) === undefined || sizeOf(path)) return;
  throw new AppError(
    "storage",
    `${oneLine(path)} is gone, but its log ${basename(path)}-wal is there.`,
    {
      next: "The database was deleted or moved while a program used it: put it back. To begin with an empty record instead, end every longcat-mcp that uses the folder and delete jobs.db-wal and jobs.db-shm too; budget caps and the protection against duplicates then begin from nothing. Nothing was bought.",
    },
  );
}

function refuseNewer(db: Database, path: string): void {
  if (versionOf(db) <= MIGRATIONS.length) return;
  throw new AppError("storage", `${oneLine(path)} was written by a newer version of longcat-mcp.`, {
    next: "Install the newest version, or choose another LONGCAT_MCP_DATA_DIR.",
  });
}

/** The random number by which a database is told from others. */
export function applicationIdOf(db: Database): number {
  const row = db.prepare("PRAGMA application_id").get();
  return z.object({ application_id: z.number() }).parse(row).application_id;
}

/** How many steps a database has had. */
export function versionOf(db: Database): number {
  const row = db.prepare("PRAGMA user_version").get();
  return z.object({ user_version: z.number() }).parse(row).user_version;
}
