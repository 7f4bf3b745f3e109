import type { Job } from "../../jobs/job.ts";
import { readRow } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

/** Exported for a test, which asks how it is answered; see `DUPLICATES`. */
export const OF_REQUEST = `SELECT * FROM jobs INDEXED BY jobs_by_request
  WHERE request_id = ? AND owner = ? ORDER BY seq LIMIT 1`;

/** An owner's job of a request, the first that had it. */
export function jobOfRequest(db: Connection, owner: string, requestId: string): Job | undefined {
  const [row] = db.all(OF_REQUEST, [requestId, owner]);
  return row === undefined ? undefined : readRow(row);
}

/**
 * Whether anybody has or had a job of a request.
 * @param besides a job that does not count.
 */
export function knowsRequest(db: Connection, requestId: string, besides = ""): boolean {
  const sql = `SELECT 1 FROM jobs WHERE request_id = ? AND job_id <> ?
    UNION ALL SELECT 1 FROM deleted_jobs WHERE request_id = ? LIMIT 1`;
  return db.all(sql, [requestId, besides, requestId]).length > 0;
}
