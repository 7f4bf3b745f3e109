import * as z from "zod";
import type { JobStore, LeaseHolder } from "../../jobs/job-store.ts";
import { LEAVABLE, UNFINISHED } from "../rows/job-rows.ts";
import { LISTED, type PostgresDatabase, type Statements } from "./database.ts";

/** Takes a base URL and a list of operations. */
const OURS = `(base_url = coalesce(?, base_url) OR operation IN ${LISTED})`;
const TAKEN_AT_ONCE = 500;
/** Less than anybody waits for a lock. */
const HUNG_AFTER = "interval '5 seconds'";

const jobIdRow = z.object({ job_id: z.string() });
const beatRow = z.object({ beat: z.number() });
const revisionRow = z.object({ revision: z.number() });
const holderRow = z.object({ holder: z.string(), beat: z.number() });

/**
 * What a process shows of its life: one row, however many jobs it holds. Whoever takes some of them
 * removes that row in the same transaction. So a beat that is the next one tells that nothing was
 * taken, and after any other it is read what is held still.
 */
export class Beats {
  #last: number | undefined;

  /** @returns what {@link JobStore.beat} does. */
  async beat(db: Statements, holder: string, isWatching: boolean): Promise<string[] | undefined> {
    const next = this.#last === undefined ? undefined : this.#last + 1;
    // Of one that fails it is not known whether it was recorded.
    this.#last = undefined;
    const [row] = await db.all(
      `INSERT INTO holders (holder, beat)
       SELECT CAST(? AS text), 1 WHERE CAST(? AS int) = 1
       OR EXISTS (SELECT 1 FROM jobs WHERE lease_holder = ? AND ${UNFINISHED})
       ON CONFLICT (holder) DO UPDATE SET beat = holders.beat + 1 RETURNING beat`,
      [holder, isWatching ? 1 : 0, holder],
    );
    if (row === undefined) return [];
    const { beat } = beatRow.parse(row);
    const held = beat === next ? undefined : await heldBy(db, holder);
    this.#last = beat;
    return held;
  }
}

async function heldBy(db: Statements, holder: string): Promise<string[]> {
  const sql = `SELECT job_id FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}`;
  return (await db.all(sql, [holder])).map((row) => jobIdRow.parse(row).job_id);
}

/** Tells those who hold unfinished jobs of an owner that these go. Within the transaction that removes them. */
export async function noteRemoval(db: Statements, owner: string): Promise<void> {
  await db.run(
    `DELETE FROM holders WHERE holder IN (
       SELECT lease_holder FROM jobs WHERE owner = ? AND ${UNFINISHED})`,
    [owner],
  );
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

/**
 * From one name to the next in the index, and one look for each, which is no `EXISTS` lest the server
 * joins them: so it does not matter how many jobs each holds.
 */
export async function otherHolders(
  db: Statements,
  holder: string,
  baseUrl: string | undefined,
  operations: readonly string[],
): Promise<LeaseHolder[]> {
  const nextAfter = (name: string) => `(SELECT lease_holder FROM jobs
    WHERE ${UNFINISHED} AND lease_holder > ${name} ORDER BY lease_holder LIMIT 1)`;
  const rows = await db.all(
    `WITH RECURSIVE named AS (
       SELECT ${nextAfter("''")} AS name
       UNION ALL SELECT ${nextAfter("name")} FROM named WHERE name IS NOT NULL
     )
     SELECT name AS holder, coalesce(beat, 0) AS beat FROM named LEFT JOIN holders ON holder = name
     WHERE name <> ?
     AND (SELECT TRUE FROM jobs WHERE lease_holder = name AND ${UNFINISHED} AND ${OURS} LIMIT 1)`,
    [holder, baseUrl ?? null, JSON.stringify(operations)],
  );
  return rows.map((row) => holderRow.parse(row));
}

/** Takes jobs of holders that are gone, and those without one: what another just takes is left to it. */
export async function takeOver(
  db: PostgresDatabase,
  holder: string,
  gone: readonly string[],
  baseUrl: string | undefined,
  operations: readonly string[],
): Promise<unknown[]> {
  const asked = [holder, baseUrl ?? null, JSON.stringify(operations)];
  const free = await db.all(taking("lease_holder IS NULL"), asked);
  if (free.length > 0) return free;
  for (const one of gone) {
    const left = await db.transaction(async (within) => {
      await within.run("DELETE FROM holders WHERE holder = ?", [one]);
      return within.all(taking("lease_holder = ?"), [...asked, one]);
    });
    if (left.length > 0) return left;
  }
  return [];
}

/**
 * The jobs that a process holds, but for those that it has recorded itself and not sent: of these it
 * knows by itself whether they may be put back.
 */
export async function heldUnderWay(db: Statements, holder: string): Promise<unknown[]> {
  const sql = `SELECT * FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}
    AND (orphaned = 1 OR state IN ('running', 'downloading'))`;
  return db.all(sql, [holder]);
}

/**
 * As SQL. In the order of the index of unfinished jobs, whose number is small beside that of all:
 * by `seq` alone all that have ended would be gone through.
 */
function taking(whose: string): string {
  return `UPDATE jobs SET lease_holder = ?, orphaned = 1, fence = fence + 1 WHERE job_id IN (
    SELECT job_id FROM jobs WHERE ${UNFINISHED} AND ${OURS} AND ${whose}
    ORDER BY lease_holder, seq LIMIT ${TAKEN_AT_ONCE} FOR UPDATE SKIP LOCKED)
    RETURNING *`;
}

/**
 * Lets go of a job of which nobody knows whether it is recorded, or about to be sent: it was not
 * sent. Whoever takes it over sends it. A server may do this late, when its answer is long given up:
 * so it changes no job that was changed after it was asked.
 */
export async function putBack(
  db: Statements,
  holder: string,
  jobId: string,
  fence: number,
): Promise<void> {
  const [row] = await db.all("SELECT last_value AS revision FROM revisions", []);
  const { revision } = revisionRow.parse(row);
  await db.run(
    `UPDATE jobs SET state = 'queued', lease_holder = NULL WHERE job_id = ? AND fence = ?
     AND lease_holder = ? AND revision <= ? AND state IN ('queued', 'submitting')`,
    [jobId, fence, holder, revision],
  );
}

/** Whoever takes one has a higher fence: what is still done with it here changes nothing then. */
export async function leave(
  db: Statements,
  holder: string,
  jobIds: readonly string[],
): Promise<void> {
  await db.run(
    `UPDATE jobs SET lease_holder = NULL
     WHERE lease_holder = ? AND job_id IN ${LISTED} AND ${LEAVABLE}`,
    [holder, JSON.stringify(jobIds)],
  );
}

export async function release(db: Statements, holder: string): Promise<void> {
  await db.run(`UPDATE jobs SET lease_holder = NULL WHERE lease_holder = ? AND ${UNFINISHED}`, [
    holder,
  ]);
  await db.run("DELETE FROM holders WHERE holder = ?", [holder]);
}
