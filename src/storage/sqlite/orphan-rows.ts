import type { Job } from "../../jobs/job.ts";
import type { Connection } from "./connection.ts";
import { readRow } from "./job-rows.ts";

const UNTOLD = `owner = ? AND orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL
  AND state = 'completed'`;
/** An answer stays readable; the others are in the next one. */
const UNTOLD_AT_ONCE = 20;

/** An owner's completed orphans that no answer has mentioned, the oldest first. */
export function untoldOf(connection: Connection, owner: string): Job[] {
  return connection
    .all(`SELECT * FROM jobs WHERE ${UNTOLD} ORDER BY seq LIMIT ?`, [owner, UNTOLD_AT_ONCE])
    .map(readRow);
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
