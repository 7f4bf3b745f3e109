import * as z from "zod";
import type { LeaseHolder } from "../../jobs/job-store.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import { LISTED, type Statements } from "./database.ts";

/** Takes a base URL and a list of operations. */
const OURS = `(base_url = coalesce(?, base_url) OR operation IN ${LISTED})`;
const TAKEN_AT_ONCE = 500;
/** Less than anybody waits for a lock. */
const HUNG_AFTER = "interval '5 seconds'";

const jobIdRow = z.object({ job_id: z.string() });
const holderRow = z.object({ holder: z.string(), beat: z.number() });

/** Shows that a holder is alive. @returns the ids of the unfinished jobs that it holds. */
export async function beat(db: Statements, holder: string, isWatching: boolean): Promise<string[]> {
  const sql = `SELECT job_id FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}`;
  const held = (await db.all(sql, [holder])).map((row) => jobIdRow.parse(row).job_id);
  if (held.length > 0 || isWatching) {
    await db.run(
      `INSERT INTO holders (holder, beat) VALUES (?, 1)
       ON CONFLICT (holder) DO UPDATE SET beat = holders.beat + 1`,
      [holder],
    );
  }
  return held;
}

/**
 * Ends what a process has left in the middle of a question: one that is frozen there, between a
 * statement's description and its values, keeps the locks of its transaction, and no time limit of
 * the server's counts then.
 */
export async function endHung(db: Statements): Promise<void> {
  await db.run(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user
     AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()
     AND state = 'active' AND wait_event = 'ClientRead' AND xact_start IS NOT NULL
     AND state_change < clock_timestamp() - ${HUNG_AFTER}`,
    [],
  );
}

export async function otherHolders(
  db: Statements,
  holder: string,
  baseUrl: string | undefined,
  operations: readonly string[],
): Promise<LeaseHolder[]> {
  const rows = await db.all(
    `SELECT DISTINCT lease_holder AS holder, coalesce(beat, 0) AS beat
     FROM jobs LEFT JOIN holders ON holder = lease_holder
     WHERE ${UNFINISHED} AND lease_holder <> ? AND ${OURS}`,
    [holder, baseUrl ?? null, JSON.stringify(operations)],
  );
  return rows.map((row) => holderRow.parse(row));
}

/** Takes jobs of holders that are gone, and those without one: what another just takes is left to it. */
export async function takeOver(
  db: Statements,
  holder: string,
  gone: readonly string[],
  baseUrl: string | undefined,
  operations: readonly string[],
): Promise<unknown[]> {
  const taken = await db.all(
    `UPDATE jobs SET lease_holder = ?, orphaned = 1, fence = fence + 1 WHERE job_id IN (
       SELECT job_id FROM jobs WHERE ${UNFINISHED} AND ${OURS}
       AND (lease_holder IS NULL OR lease_holder IN ${LISTED})
       ORDER BY seq LIMIT ${TAKEN_AT_ONCE} FOR UPDATE SKIP LOCKED)
     RETURNING *`,
    [holder, baseUrl ?? null, JSON.stringify(operations), JSON.stringify(gone)],
  );
  if (taken.length === 0 && gone.length > 0) {
    await db.run(`DELETE FROM holders WHERE holder IN ${LISTED}`, [JSON.stringify(gone)]);
  }
  return taken;
}

/**
 * Lets go of a job of which nobody knows whether it is recorded, or about to be sent: it was not
 * sent. Whoever takes it over sends it.
 */
export async function putBack(
  db: Statements,
  holder: string,
  jobId: string,
  fence: number,
): Promise<void> {
  await db.run(
    `UPDATE jobs SET state = 'queued', lease_holder = NULL WHERE job_id = ? AND fence = ?
     AND lease_holder = ? AND state IN ('queued', 'submitting')`,
    [jobId, fence, holder],
  );
}

export async function release(db: Statements, holder: string): Promise<void> {
  await db.run(`UPDATE jobs SET lease_holder = NULL WHERE lease_holder = ? AND ${UNFINISHED}`, [
    holder,
  ]);
  await db.run("DELETE FROM holders WHERE holder = ?", [holder]);
}
