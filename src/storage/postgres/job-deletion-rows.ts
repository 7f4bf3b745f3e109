import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import { oneLine } from "../../core/text.ts";
import { duplicatesUntil } from "../../jobs/deduplication.ts";
import {
  chargeLeftBehind,
  type DeletedJob,
  type Deletions,
  type DeletionWishes,
  type DoomedFile,
  whyNotDeleted,
} from "../../jobs/deletion.ts";
import type { Job } from "../../jobs/job.ts";
import { deletedRow, doomedRow } from "../rows/deleted-rows.ts";
import { readRow } from "../rows/job-rows.ts";
import { ChangedRows } from "./changed-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { noteRemoval } from "./holder-rows.ts";

const numberRow = z.object({ n: z.number() });

/** What is left of deleted jobs: what money and duplicates need, in the tables beside the jobs. */
export class DeletedJobs {
  readonly #db: PostgresDatabase;
  readonly feed: ChangedRows<DeletedJob>;

  /** @param onWrite hears of each job that is deleted here. */
  constructor(db: PostgresDatabase, onWrite: (jobId: string) => void = () => {}) {
    this.#db = db;
    this.feed = new ChangedRows(db, "deleted_jobs", (row) => deletedRow.parse(row), onWrite);
  }

  async delete(
    owner: string,
    jobIds: readonly string[],
    wishes: DeletionWishes,
  ): Promise<Deletions> {
    return this.#db.transaction(async (db) => {
      const deleted = new Map<string, Job>();
      const refused = new Map<string, AppError>();
      // In one order, so that two deletions never wait for each other.
      for (const jobId of [...new Set(jobIds)].sort()) {
        const job = await find(db, owner, jobId);
        const reason = job
          ? whyNotDeleted(job, await hasThread(db, job))
          : await missing(db, owner, jobId);
        if (reason) refused.set(jobId, reason);
        else if (job) deleted.set(jobId, await this.#delete(db, job, wishes));
      }
      return { deleted: asAsked(jobIds, deleted), refused: asAsked(jobIds, refused) };
    });
  }

  async has(owner: string, column: "job_id" | "request_id", value: string): Promise<boolean> {
    return wasDeleted(this.#db, owner, column, value);
  }

  async doomedFiles(): Promise<DoomedFile[]> {
    const rows = await this.#db.all("SELECT owner, job_id, ref FROM doomed_files", []);
    return rows.map((row) => doomedRow.parse(row));
  }

  async filesGone(files: readonly DoomedFile[]): Promise<void> {
    if (files.length === 0) return;
    await this.#db.transaction(async (db) => {
      for (const { jobId, ref } of files) {
        await db.run("DELETE FROM doomed_files WHERE job_id = ? AND ref = ?", [jobId, ref]);
      }
    });
  }

  /**
   * Deletes every job of an owner with its files, whatever has become of it, and what duplicates of
   * them would be told by. @returns how many.
   */
  async deleteAllOf(db: Statements, owner: string, now: number): Promise<number> {
    const rows = await db.all("SELECT * FROM jobs WHERE owner = ? ORDER BY job_id FOR UPDATE", [
      owner,
    ]);
    await noteRemoval(db, owner);
    for (const job of rows.map(readRow)) {
      const charge = chargeLeftBehind(job);
      await this.#delete(db, { ...job, charge }, { withFiles: true, now });
    }
    await db.run(
      `UPDATE deleted_jobs SET idempotency_key = NULL, fingerprint = NULL, duplicates_until = NULL
       WHERE owner = ?`,
      [owner],
    );
    return rows.length;
  }

  /** What else there is of a job goes with its row. */
  async #delete(db: Statements, job: Job, { withFiles, now }: DeletionWishes): Promise<Job> {
    const until = duplicatesUntil(job);
    const protects = job.fingerprint !== null && until > now;
    const [row] = await db.all(
      `INSERT INTO deleted_jobs (job_id, owner, operation, base_url, request_id, charge,
         reserved_usd, cost_usd, created_at, deleted_at, idempotency_key, fingerprint,
         duplicates_until, indexes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING job_id, revision, xact`,
      [
        ...[job.jobId, job.owner, job.operation, job.baseUrl, job.requestId, job.charge],
        ...[job.reservedUsd, job.costUsd, job.createdAt, now, job.idempotencyKey],
        ...[protects ? job.fingerprint : null, protects ? until : null],
        JSON.stringify(job.media.map(({ index }) => index)),
      ],
    );
    this.feed.wrote(row);
    if (withFiles) {
      for (const { path } of job.media) {
        await db.run(
          "INSERT INTO doomed_files (job_id, ref, owner) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          [job.jobId, path, job.owner],
        );
      }
    }
    await db.run("DELETE FROM jobs WHERE job_id = ?", [job.jobId]);
    return job;
  }
}

/** Whether any job has a request id, or had it. @param besides a job that does not count. */
export async function knowsRequest(
  db: Statements,
  requestId: string,
  besides = "",
): Promise<boolean> {
  const rows = await db.all(
    `SELECT 1 FROM jobs WHERE request_id = ? AND job_id <> ?
     UNION ALL SELECT 1 FROM deleted_jobs WHERE request_id = ? LIMIT 1`,
    [requestId, besides, requestId],
  );
  return rows.length > 0;
}

/** @param now in milliseconds since the epoch. */
export async function forgetPastDuplicates(db: Statements, now: number): Promise<void> {
  const past = "fingerprint IS NOT NULL AND duplicates_until <= ?";
  // Most of the time there are none, and that is not worth a write.
  const [row] = await db.all(`SELECT count(*) AS n FROM deleted_jobs WHERE ${past}`, [now]);
  if (numberRow.parse(row).n === 0) return;
  await db.run(
    `UPDATE deleted_jobs SET fingerprint = NULL, duplicates_until = NULL WHERE ${past}`,
    [now],
  );
}

async function find(db: Statements, owner: string, jobId: string): Promise<Job | undefined> {
  const sql = "SELECT * FROM jobs WHERE job_id = ? AND owner = ? FOR UPDATE";
  const [row] = await db.all(sql, [jobId, owner]);
  return row === undefined ? undefined : readRow(row);
}

async function hasThread(db: Statements, { threadId }: Job): Promise<boolean> {
  if (threadId === null) return false;
  return (await db.all("SELECT 1 FROM chat_threads WHERE thread_id = ?", [threadId])).length > 0;
}

async function missing(db: Statements, owner: string, jobId: string): Promise<AppError> {
  const name = `\`${oneLine(jobId)}\``;
  return (await wasDeleted(db, owner, "job_id", jobId))
    ? new AppError("not_found", `The job ${name} was deleted.`)
    : new AppError("not_found", `There is no job ${name}.`);
}

async function wasDeleted(
  db: Statements,
  owner: string,
  column: "job_id" | "request_id",
  value: string,
): Promise<boolean> {
  const sql = `SELECT 1 FROM deleted_jobs WHERE owner = ? AND ${column} = ? LIMIT 1`;
  return (await db.all(sql, [owner, value])).length > 0;
}

/** What came of jobs, in the order in which they were asked for. */
function asAsked<T>(jobIds: readonly string[], all: ReadonlyMap<string, T>): T[] {
  return [...new Set(jobIds)].flatMap((jobId) => all.get(jobId) ?? []);
}
