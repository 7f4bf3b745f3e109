import type { Job } from "../../jobs/job.ts";
import { readRow, UNTOLD_AT_ONCE } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

const UNTOLD = `owner = ? AND orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL
  AND state = 'completed'`;

/** Completed orphans of an owner's that no answer has mentioned, the oldest first. */
export function untoldOrphans(connection: Connection, owner: string): Job[] {
  const sql = `SELECT * FROM jobs WHERE ${UNTOLD} ORDER BY seq LIMIT ?`;
  return connection.all(sql, [owner, UNTOLD_AT_ONCE]).map(readRow);
}

/** A mention is no delivery: a client that lost the result must not buy it again. */
export function markMentioned(
  connection: Connection,
  owner: string,
  jobIds: readonly string[],
  now: number,
): void {
  connection.run(
    `UPDATE jobs SET mentioned_at = ?
     WHERE owner = ? AND job_id IN (SELECT value FROM json_each(?))`,
    [now, owner, JSON.stringify(jobIds)],
  );
}
