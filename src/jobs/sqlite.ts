import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import * as z from "zod";
import { AppError, ERROR_RULES, type ErrorCode } from "../core/errors.ts";
import {
  CHARGES,
  canBecome,
  isFinal,
  JOB_STATES,
  type Job,
  type JobPatch,
  type JobState,
} from "./job.ts";
import type { JobPage, JobQuery, JobStore, Lease } from "./store.ts";

const SCHEMA_VERSION = 1;

/** Forward only; the n-th entry brings a database from version n to n + 1. */
const MIGRATIONS: readonly string[] = [
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
];

const UNFINISHED = "state IN ('queued', 'submitting', 'running', 'downloading')";

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
const flag = z.number().transform((value) => value !== 0);
const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_RULES, code);

const mediumSchema = z.object({
  index: z.number(),
  url: z.string(),
  path: z.string(),
  mimeType: z.string(),
  width: z.number().exactOptional(),
  height: z.number().exactOptional(),
  sizeBytes: z.number(),
  sha256: z.string(),
  copies: z.array(z.string()),
});

const rowSchema = z
  .object({
    job_id: z.string(),
    owner: z.string(),
    operation: z.string(),
    input: json(z.record(z.string(), z.unknown())),
    wire: json(z.record(z.string(), z.unknown())).nullable(),
    base_url: z.string(),
    save_to: z.string().nullable(),
    state: z.enum(JOB_STATES),
    charge: z.enum(CHARGES),
    request_id: z.string().nullable(),
    upstream_status: z.string().nullable(),
    created_at: z.number(),
    updated_at: z.number(),
    accepted_at: z.number().nullable(),
    completed_at: z.number().nullable(),
    cost_usd: z.number().nullable(),
    error: json(z.object({ code: z.string().refine(isErrorCode), message: z.string() })).nullable(),
    media_urls: json(z.array(z.string())),
    media: json(z.array(mediumSchema)),
    warnings: json(z.array(z.string())),
    delivered: flag,
    orphaned: flag,
  })
  .transform(
    (row): Job => ({
      jobId: row.job_id,
      owner: row.owner,
      operation: row.operation,
      input: row.input,
      wire: row.wire,
      baseUrl: row.base_url,
      saveTo: row.save_to,
      state: row.state,
      charge: row.charge,
      requestId: row.request_id,
      upstreamStatus: row.upstream_status,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      acceptedAt: row.accepted_at,
      completedAt: row.completed_at,
      costUsd: row.cost_usd,
      error: row.error,
      mediaUrls: row.media_urls,
      media: row.media,
      warnings: row.warnings,
      delivered: row.delivered,
      orphaned: row.orphaned,
    }),
  );

type Column = string | number | null;

/** The columns of the fields that are given; unset ones are left alone. */
function columnsOf(job: Partial<Job>): Record<string, Column> {
  const columns: Record<string, Column | undefined> = {
    job_id: job.jobId,
    owner: job.owner,
    operation: job.operation,
    input: job.input && JSON.stringify(job.input),
    wire: job.wire === null ? null : job.wire && JSON.stringify(job.wire),
    base_url: job.baseUrl,
    save_to: job.saveTo,
    state: job.state,
    charge: job.charge,
    request_id: job.requestId,
    upstream_status: job.upstreamStatus,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    accepted_at: job.acceptedAt,
    completed_at: job.completedAt,
    cost_usd: job.costUsd,
    error: job.error === null ? null : job.error && JSON.stringify(job.error),
    media_urls: job.mediaUrls && JSON.stringify(job.mediaUrls),
    media: job.media && JSON.stringify(job.media),
    warnings: job.warnings && JSON.stringify(job.warnings),
    delivered: job.delivered === undefined ? undefined : Number(job.delivered),
    orphaned: job.orphaned === undefined ? undefined : Number(job.orphaned),
  };
  return Object.fromEntries(
    Object.entries(columns).filter((entry): entry is [string, Column] => entry[1] !== undefined),
  );
}

type Database = InstanceType<typeof DatabaseSync>;

/** The embedded store: one SQLite file, shared by any number of processes. */
export class SqliteJobStore implements JobStore {
  readonly #db: Database;
  readonly #statements = new Map<string, ReturnType<Database["prepare"]>>();
  readonly #path: string;

  /**
   * Opens or creates `jobs.db` in a folder (made with mode 0700 if it is missing).
   * @throws {storage} when the folder or the database cannot be used, or was written by a newer
   *   version of this program.
   */
  constructor(folder: string) {
    this.#path = join(folder, "jobs.db");
    this.#db = this.#guard(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      closeSync(openSync(this.#path, "a", 0o600));
      chmodSync(this.#path, 0o600);
      return new DatabaseSync(this.#path);
    });
    this.#guard(() => {
      this.#db.exec("PRAGMA busy_timeout=10000");
      this.#db.exec("PRAGMA journal_mode=WAL");
      this.#db.exec("PRAGMA synchronous=FULL");
      this.#migrate();
    });
  }

  /** What the open connection really works with, by name of the pragma. */
  pragmas(): { busyTimeoutMs: number; journalMode: string; synchronous: number } {
    return this.#guard(() => ({
      busyTimeoutMs: z.object({ timeout: z.number() }).parse(this.#pragma("busy_timeout")).timeout,
      journalMode: z.object({ journal_mode: z.string() }).parse(this.#pragma("journal_mode"))
        .journal_mode,
      synchronous: z.object({ synchronous: z.number() }).parse(this.#pragma("synchronous"))
        .synchronous,
    }));
  }

  async create(job: Job, lease: Lease): Promise<void> {
    const columns = {
      ...columnsOf(job),
      lease_holder: lease.holder,
      lease_until: lease.until,
    };
    const names = Object.keys(columns);
    const marks = names.map(() => "?").join(", ");
    this.#run(`INSERT INTO jobs (${names.join(", ")}) VALUES (${marks})`, Object.values(columns));
  }

  async get(owner: string, jobId: string): Promise<Job | undefined> {
    return this.#one("SELECT * FROM jobs WHERE job_id = ? AND owner = ?", [jobId, owner]);
  }

  async findByRequestId(owner: string, requestId: string): Promise<Job | undefined> {
    return this.#one("SELECT * FROM jobs WHERE request_id = ? AND owner = ? ORDER BY seq", [
      requestId,
      owner,
    ]);
  }

  async list(query: JobQuery): Promise<JobPage> {
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
    const filters = ["owner = ?", "seq < ?"];
    const values: Column[] = [query.owner, before];
    if (query.operation !== undefined) {
      filters.push("operation = ?");
      values.push(query.operation);
    }
    if (query.states) {
      filters.push(`state IN (${query.states.map(() => "?").join(", ")})`);
      values.push(...query.states);
    }
    const rows = this.#all(
      `SELECT * FROM jobs WHERE ${filters.join(" AND ")} ORDER BY seq DESC LIMIT ?`,
      [...values, query.limit + 1],
    );
    const page = rows.slice(0, query.limit);
    const last = z.object({ seq: z.number() }).safeParse(page.at(-1)).data;
    return {
      jobs: page.map(readRow),
      nextCursor: rows.length > query.limit && last ? `before-${last.seq}` : undefined,
    };
  }

  async patch(jobId: string, patch: JobPatch, now: number): Promise<Job> {
    const job = this.#update(jobId, { ...patch, updatedAt: now }, "1 = 1", []);
    if (!job) throw new AppError("not_found", `There is no job ${jobId}.`);
    return job;
  }

  async transition(
    jobId: string,
    from: JobState,
    to: JobState,
    patch: JobPatch,
    now: number,
  ): Promise<Job | undefined> {
    if (!canBecome(from, to)) {
      throw new AppError("internal", `A job cannot go from ${from} to ${to}.`);
    }
    // An ended job is nobody's, so that one that goes on after all is free to be taken up.
    const lease = isFinal(to) ? ", lease_holder = NULL, lease_until = NULL" : "";
    const change = { ...patch, state: to, updatedAt: now };
    return this.#update(jobId, change, "state = ?", [from], lease);
  }

  async takeOver(
    lease: Lease,
    now: number,
    isGone: (holder: string) => boolean,
    baseUrl: string | undefined,
  ): Promise<Job[]> {
    return this.#guard(() => {
      const held = this.#all(
        `SELECT job_id, lease_holder, lease_until FROM jobs WHERE ${UNFINISHED}
         AND lease_holder IS NOT ? AND base_url = coalesce(?, base_url)`,
        [lease.holder, baseUrl ?? null],
      );
      const leaseSchema = z.object({
        job_id: z.string(),
        lease_holder: z.string().nullable(),
        lease_until: z.number().nullable(),
      });
      const taken: Job[] = [];
      for (const row of held.map((one) => leaseSchema.parse(one))) {
        const free = row.lease_holder === null || (row.lease_until ?? 0) <= now;
        if (!free && !isGone(row.lease_holder ?? "")) continue;
        const job = this.#one(
          `UPDATE jobs SET lease_holder = ?, lease_until = ?, orphaned = 1
           WHERE job_id = ? AND lease_holder IS ? AND lease_until IS ? AND ${UNFINISHED}
           RETURNING *`,
          [lease.holder, lease.until, row.job_id, row.lease_holder, row.lease_until],
        );
        if (job) taken.push(job);
      }
      return taken;
    });
  }

  async renew(lease: Lease): Promise<void> {
    this.#run(`UPDATE jobs SET lease_until = ? WHERE lease_holder = ? AND ${UNFINISHED}`, [
      lease.until,
      lease.holder,
    ]);
  }

  async release(holder: string): Promise<void> {
    this.#run(
      `UPDATE jobs SET lease_holder = NULL, lease_until = NULL
       WHERE lease_holder = ? AND ${UNFINISHED}`,
      [holder],
    );
  }

  async takeNews(owner: string, now: number): Promise<Job[]> {
    const news = "owner = ? AND orphaned = 1 AND delivered = 0 AND state = 'completed'";
    // Asked after every call: looking is much cheaper than an update that changes nothing.
    if (this.#all(`SELECT 1 FROM jobs WHERE ${news} LIMIT 1`, [owner]).length === 0) return [];
    return this.#all(`UPDATE jobs SET delivered = 1, updated_at = ? WHERE ${news} RETURNING *`, [
      now,
      owner,
    ]).map(readRow);
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #migrate(): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const row = this.#pragma("user_version");
      const version = z.object({ user_version: z.number() }).parse(row).user_version;
      if (version > SCHEMA_VERSION) {
        throw new AppError(
          "storage",
          `${this.#path} was written by a newer version of longcat-mcp.`,
          { next: "Install the newest version, or choose another LONGCAT_MCP_DATA_DIR." },
        );
      }
      for (const step of MIGRATIONS.slice(version)) this.#db.exec(step);
      this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #update(
    jobId: string,
    change: Partial<Job>,
    condition: string,
    values: Column[],
    alsoSet = "",
  ): Job | undefined {
    const columns = columnsOf(change);
    const settings = Object.keys(columns).map((name) => `${name} = ?`);
    return this.#one(
      `UPDATE jobs SET ${settings.join(", ")}${alsoSet} WHERE job_id = ? AND ${condition} RETURNING *`,
      [...Object.values(columns), jobId, ...values],
    );
  }

  #pragma(name: string): unknown {
    return this.#db.prepare(`PRAGMA ${name}`).get();
  }

  #one(sql: string, values: Column[]): Job | undefined {
    const row = this.#all(sql, values)[0];
    return row === undefined ? undefined : readRow(row);
  }

  #all(sql: string, values: Column[]): unknown[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  #run(sql: string, values: Column[]): void {
    this.#guard(() => this.#prepare(sql).run(...values));
  }

  /** The texts are few and fixed, so each is compiled once. */
  #prepare(sql: string): ReturnType<Database["prepare"]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof AppError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new AppError("storage", `The job database ${this.#path} cannot be used: ${reason}.`, {
        cause: error,
      });
    }
  }
}

function readRow(row: unknown): Job {
  return rowSchema.parse(row);
}

function readCursor(cursor: string): number {
  const seq = /^before-(\d{1,15})$/.exec(cursor)?.[1];
  if (seq === undefined) {
    throw new AppError("invalid_input", "`cursor` must be the `next_cursor` of a previous page.");
  }
  return Number(seq);
}
