import type { Job } from "../../jobs/job.ts";
import type { Connection } from "./connection.ts";
import { readRow } from "./job-rows.ts";

const UNTOLD = `owner = ? AND orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL
  AND state = 'completed'`;
/** An answer stays readable; the others are in the next one. */
const UNTOLD_AT_ONCE = 20;

/** Completed orphans that no answer has mentioned. */
export class UntoldOrphans {
  readonly #connection: Connection;
  /** Who had none, at which state of the database: every call asks, and most find nothing. */
  #without = { state: "", owners: new Set<string>() };

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** An owner's, the oldest first. Looks at the jobs only where something was written since. */
  of(owner: string): Job[] {
    const state = this.#connection.state();
    if (this.#without.state !== state) this.#without = { state, owners: new Set() };
    if (this.#without.owners.has(owner)) return [];
    const rows = this.#connection.all(`SELECT * FROM jobs WHERE ${UNTOLD} ORDER BY seq LIMIT ?`, [
      owner,
      UNTOLD_AT_ONCE,
    ]);
    if (rows.length === 0) this.#without.owners.add(owner);
    return rows.map(readRow);
  }
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
