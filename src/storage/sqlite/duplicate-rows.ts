import { deletedDuplicate, requireSameCall, standsForDuplicate } from "../../jobs/deduplication.ts";
import type { Job } from "../../jobs/job.ts";
import type { AdmissionRules } from "../../jobs/job-store.ts";
import { readRow } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

/**
 * Exported for a test, which asks how it is answered: SQLite would rather go through all jobs of the
 * owner than sort the few of a fingerprint.
 */
export const DUPLICATES = `SELECT * FROM jobs INDEXED BY jobs_by_fingerprint
  WHERE fingerprint = ? AND owner = ? AND base_url = ? ORDER BY seq DESC`;

/**
 * The earlier job that stands for a new one.
 * @throws {invalid_input | not_found} where it cannot, or was deleted.
 */
export function duplicateOf(
  db: Connection,
  job: Job,
  { forceNew, now }: AdmissionRules,
): Job | undefined {
  const { owner, idempotencyKey, fingerprint, baseUrl } = job;
  if (idempotencyKey !== null) return keyedJob(db, job, idempotencyKey, forceNew);
  if (forceNew) return undefined;
  const earlier = db
    .all(DUPLICATES, [fingerprint, owner, baseUrl])
    .map(readRow)
    .find((one) => standsForDuplicate(one, now));
  if (earlier) return earlier;
  const deleted = db.all(
    `SELECT 1 FROM deleted_jobs
     WHERE fingerprint = ? AND owner = ? AND base_url = ? AND duplicates_until > ? LIMIT 1`,
    [fingerprint, owner, baseUrl, now],
  );
  if (deleted.length > 0) throw deletedDuplicate("arguments");
  return undefined;
}

/** @returns whether there were any. */
export function forgetPastDuplicates(db: Connection, now: number): boolean {
  const past = "fingerprint IS NOT NULL AND duplicates_until <= ?";
  // Most of the time there are none, and that is not worth a write.
  if (db.all(`SELECT 1 FROM deleted_jobs WHERE ${past} LIMIT 1`, [now]).length === 0) return false;
  db.run(`UPDATE deleted_jobs SET fingerprint = NULL, duplicates_until = NULL WHERE ${past}`, [
    now,
  ]);
  return true;
}

function keyedJob(db: Connection, job: Job, key: string, forceNew: boolean): Job | undefined {
  const which = "owner = ? AND idempotency_key = ?";
  const [row] = db.all(`SELECT * FROM jobs WHERE ${which}`, [job.owner, key]);
  if (row !== undefined) {
    const keyed = readRow(row);
    requireSameCall(keyed, job, forceNew);
    return keyed;
  }
  const deleted = db.all(`SELECT 1 FROM deleted_jobs WHERE ${which} LIMIT 1`, [job.owner, key]);
  if (deleted.length > 0) throw deletedDuplicate("key");
  return undefined;
}
