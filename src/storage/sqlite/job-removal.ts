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
import { ChangeFeed } from "./change-feed.ts";
import type { Connection } from "./connection.ts";
import { forgetPastDuplicates } from "./duplicate-rows.ts";
import { NEXT_REVISION } from "./revision.ts";
import { removeWords } from "./search-rows.ts";

/** What is left of deleted jobs: what money and duplicates need, in the tables beside the jobs. */
export class JobRemoval {
  readonly #db: Connection;
  readonly #feed: ChangeFeed<DeletedJob>;

  constructor(db: Connection) {
    this.#db = db;
    this.#feed = new ChangeFeed(db, "deleted_jobs", (row) => deletedRow.parse(row));
  }

  delete(owner: string, jobIds: readonly string[], wishes: DeletionWishes): Deletions {
    const deletions = this.#db.transaction((): Deletions => {
      const doomed: Job[] = [];
      const refused: AppError[] = [];
      for (const jobId of new Set(jobIds)) {
        const job = this.#find(owner, jobId);
        const reason = job ? whyNotDeleted(job, this.#hasThread(job)) : this.#missing(owner, jobId);
        if (reason) refused.push(reason);
        else if (job) doomed.push(job);
      }
      removeWords(
        this.#db,
        "job_words",
        "SELECT seq FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))",
        [JSON.stringify(doomed.map(({ jobId }) => jobId))],
      );
      return { deleted: doomed.map((job) => this.#delete(job, wishes)), refused };
    });
    if (deletions.deleted.length > 0) this.#db.scrub();
    return deletions;
  }

  has(owner: string, column: "job_id" | "request_id", value: string): boolean {
    const found = this.#db.all(
      `SELECT 1 FROM deleted_jobs WHERE owner = ? AND ${column} = ? LIMIT 1`,
      [owner, value],
    );
    return found.length > 0;
  }

  forgetDuplicates(now: number): void {
    if (forgetPastDuplicates(this.#db, now)) this.#db.scrub();
  }

  doomedFiles(): DoomedFile[] {
    return this.#db
      .all("SELECT owner, job_id, ref FROM doomed_files", [])
      .map((row) => doomedRow.parse(row));
  }

  filesGone(files: readonly DoomedFile[]): void {
    if (files.length === 0) return;
    this.#db.transaction(() => {
      for (const { jobId, ref } of files) {
        this.#db.run("DELETE FROM doomed_files WHERE job_id = ? AND ref = ?", [jobId, ref]);
      }
    });
    this.#db.scrub();
  }

  deletions(): DeletedJob[] {
    const deletions = this.#feed.changes();
    // Whoever deleted them may have ended before their bytes were gone.
    if (deletions.length > 0) this.#db.scrub();
    return deletions;
  }

  /**
   * Deletes every job of an owner with its files, whatever has become of it, and what duplicates of
   * them would be told by. Within a transaction. @returns how many.
   */
  deleteAllOf(owner: string, now: number): number {
    removeWords(this.#db, "job_words", "SELECT seq FROM jobs WHERE owner = ?", [owner]);
    const jobs = this.#db.all("SELECT * FROM jobs WHERE owner = ?", [owner]).map(readRow);
    for (const job of jobs) {
      const charge = chargeLeftBehind(job);
      this.#delete({ ...job, charge }, { withFiles: true, now });
    }
    this.#db.run(
      `UPDATE deleted_jobs SET idempotency_key = NULL, fingerprint = NULL, duplicates_until = NULL
       WHERE owner = ?`,
      [owner],
    );
    return jobs.length;
  }

  #missing(owner: string, jobId: string): AppError {
    const name = `\`${oneLine(jobId)}\``;
    return this.has(owner, "job_id", jobId)
      ? new AppError("not_found", `The job ${name} was deleted.`)
      : new AppError("not_found", `There is no job ${name}.`);
  }

  #find(owner: string, jobId: string): Job | undefined {
    const [row] = this.#db.all("SELECT * FROM jobs WHERE job_id = ? AND owner = ?", [jobId, owner]);
    return row === undefined ? undefined : readRow(row);
  }

  #hasThread({ threadId }: Job): boolean {
    if (threadId === null) return false;
    return this.#db.all("SELECT 1 FROM chat_threads WHERE thread_id = ?", [threadId]).length > 0;
  }

  /** Within a transaction; what else there is of a job goes with its row. */
  #delete(job: Job, { withFiles, now }: DeletionWishes): Job {
    const until = duplicatesUntil(job);
    const protects = job.fingerprint !== null && until > now;
    const [row] = this.#db.all(
      `INSERT INTO deleted_jobs (job_id, owner, operation, base_url, request_id, charge,
         reserved_usd, cost_usd, created_at, deleted_at, idempotency_key, fingerprint,
         duplicates_until, indexes, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NEXT_REVISION}) RETURNING revision`,
      [
        job.jobId,
        job.owner,
        job.operation,
        job.baseUrl,
        job.requestId,
        job.charge,
        job.reservedUsd,
        job.costUsd,
        job.createdAt,
        now,
        job.idempotencyKey,
        protects ? job.fingerprint : null,
        protects ? until : null,
        JSON.stringify(job.media.map(({ index }) => index)),
      ],
    );
    this.#feed.wrote(row);
    if (withFiles) {
      for (const { path } of job.media) {
        this.#db.run("INSERT OR IGNORE INTO doomed_files (job_id, ref, owner) VALUES (?, ?, ?)", [
          job.jobId,
          path,
          job.owner,
        ]);
      }
    }
    this.#db.run("DELETE FROM jobs WHERE job_id = ?", [job.jobId]);
    return job;
  }
}
