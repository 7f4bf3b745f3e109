import * as z from "zod";
import type { LeaseHolder } from "../../jobs/job-store.ts";
import { type Column, LEAVABLE, UNFINISHED } from "../rows/job-rows.ts";
import { LISTED, type PostgresDatabase, type Statements } from "./database.ts";
import type { Lease } from "./followed-jobs.ts";

/** Takes a base URL and a list of operations. */
const OURS = `(base_url = coalesce(?, base_url) OR operation IN ${LISTED})`;
const TAKEN_AT_ONCE = 500;
/** Less than anybody waits for a lock. */
const HUNG_AFTER = "interval '5 seconds'";

const heldRow = z.object({ job_id: z.string(), fence: z.number() });
const beatRow = z.object({ beat: z.number() });
const fenceRow = z.object({ fence: z.number() });
const holderRow = z.object({ holder: z.string(), beat: z.number() });

/** A job that a process holds. */
export type HeldJob = z.output<typeof heldRow>;

/**
 * What a process shows of its life: one row, however many jobs it holds. Whoever takes some of them
 * removes that row in the same transaction, and whatever gives it more of them counts as a beat. So a
 * beat that is the next one tells that nothing has changed hands, and after any other it is read
 * what is held: also what the server gave it late, when that was long given up.
 */
export class Beats {
  #last: number | undefined;

  /** @returns the unfinished jobs that it holds; `undefined` where none has changed hands. */
  async beat(db: Statements, holder: string, isWatching: boolean): Promise<HeldJob[] | undefined> {
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

async function heldBy(db: Statements, holder: string): Promise<HeldJob[]> {
  const sql = `SELECT job_id, fence FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}`;
  return (await db.all(sql, [holder])).map((row) => heldRow.parse(row));
}

/** Notes that a process has got a job that it did not have. Within the transaction that gives it. */
export async function noteGain(db: Statements, holder: string): Promise<void> {
  await db.run("UPDATE holders SET beat = beat + 1 WHERE holder = ?", [holder]);
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
  const free = await db.all(taking("lease_holder IS NULL"), [...asked, holder]);
  if (free.length > 0) return free;
  for (const one of gone) {
    const left = await db.transaction(async (within) => {
      await within.run("DELETE FROM holders WHERE holder = ?", [one]);
      return within.all(taking("lease_holder = ?"), [...asked, one, holder]);
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
  return `WITH taken AS (
      UPDATE jobs SET lease_holder = ?, orphaned = 1, fence = fence + 1 WHERE job_id IN (
        SELECT job_id FROM jobs WHERE ${UNFINISHED} AND ${OURS} AND ${whose}
        ORDER BY lease_holder, seq LIMIT ${TAKEN_AT_ONCE} FOR UPDATE SKIP LOCKED)
      RETURNING *
    ), noted AS (
      UPDATE holders SET beat = beat + 1 WHERE holder = ? AND EXISTS (SELECT 1 FROM taken)
    )
    SELECT * FROM taken`;
}

/** As SQL: a job, by what it may be held by; takes what {@link leased} gives. */
const LEASED = "job_id = ? AND CAST(CAST(? AS text) AS jsonb) @> to_jsonb(fence)";

function leased(jobId: string, { fences }: Lease): Column[] {
  return [jobId, JSON.stringify(fences)];
}

/** A fence that no job has had. */
export async function newFence(db: Statements): Promise<number> {
  const [row] = await db.all("SELECT nextval('revisions') AS fence", []);
  return fenceRow.parse(row).fence;
}

/**
 * Gives a job another fence, for whoever holds it: what was asked with one of those before, and the
 * server has not done yet, it does not do any more.
 * @returns the row as it is then, which may have ended; `undefined` where it is another's by now.
 */
export async function overtake(
  db: Statements,
  jobId: string,
  lease: Lease,
  fence: number,
): Promise<unknown> {
  const { holder } = lease;
  const [row] = await db.all(
    `UPDATE jobs SET fence = ? WHERE ${LEASED} AND coalesce(lease_holder, ?) = ? RETURNING *`,
    [fence, ...leased(jobId, lease), holder, holder],
  );
  return row;
}

/**
 * Lets go of a job of which nobody knows whether it is recorded, or about to be sent: it was not
 * sent. Whoever takes it over sends it. What was asked for it before is not done any more.
 */
export async function putBack(db: Statements, jobId: string, lease: Lease): Promise<void> {
  await db.run(
    `UPDATE jobs SET state = 'queued', lease_holder = NULL, fence = fence + 1
     WHERE ${LEASED} AND lease_holder = ? AND state IN ('queued', 'submitting')`,
    [...leased(jobId, lease), lease.holder],
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
