import * as z from "zod";
import type { Job } from "../../jobs/job.ts";
import type { LeaseHolder } from "../../jobs/job-store.ts";
import { json, LEAVABLE, readRow, UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { UnfinishedMarks } from "./unfinished-marks.ts";

/** Takes a base URL and a list of operations. */
const OURS = `(base_url = coalesce(?, base_url)
  OR operation IN (SELECT value FROM json_each(?)))`;
const TAKEN_AT_ONCE = 200;

const heldRow = z.object({ held: json(z.array(z.string())) });
const freeRow = z.object({ free: json(z.array(z.number())) });
const holderRow = z.object({ holder: z.string(), beat: z.number() });

/** Which process follows which unfinished job, in the tables `jobs` and `holders`. */
export class LeaseTables {
  readonly #connection: Connection;
  readonly #marks: UnfinishedMarks;
  /** The numbers of jobs that were free when that was last asked, and have not been taken. */
  #free: number[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#marks = new UnfinishedMarks(connection.folder);
  }

  /** To be called before a process records a job that it holds, or goes on with one that had ended. */
  expect(holder: string): void {
    this.#marks.set(holder);
  }

  beat(holder: string, isWatching: boolean): string[] {
    const [row] = this.#connection.all(
      `SELECT json_group_array(job_id) AS held FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}`,
      [holder],
    );
    const { held } = heldRow.parse(row);
    if (held.length > 0) this.#marks.set(holder, true);
    else this.#marks.clear(holder);
    if (held.length > 0 || isWatching) {
      this.#connection.run(
        `INSERT INTO holders (holder, beat) VALUES (?, 1)
         ON CONFLICT (holder) DO UPDATE SET beat = beat + 1`,
        [holder],
      );
    }
    return held;
  }

  others(
    holder: string,
    baseUrl: string | undefined,
    operations: readonly string[],
  ): LeaseHolder[] {
    const rows = this.#connection.all(
      `SELECT DISTINCT lease_holder AS holder, coalesce(beat, 0) AS beat
       FROM jobs LEFT JOIN holders ON holder = lease_holder
       WHERE ${UNFINISHED} AND lease_holder <> ? AND ${OURS}`,
      [holder, baseUrl ?? null, JSON.stringify(operations)],
    );
    return rows.map((row) => holderRow.parse(row));
  }

  takeOver(
    holder: string,
    gone: readonly string[],
    baseUrl: string | undefined,
    operations: readonly string[],
  ): Job[] {
    const isFree = `${UNFINISHED} AND ${OURS}
      AND (lease_holder IS NULL OR lease_holder IN (SELECT value FROM json_each(?)))`;
    const values = [baseUrl ?? null, JSON.stringify(operations), JSON.stringify(gone)];
    if (this.#free.length === 0) {
      const all = `SELECT json_group_array(seq) AS free FROM jobs WHERE ${isFree}`;
      this.#free = freeRow.parse(this.#connection.all(all, values)[0]).free;
    }
    if (this.#free.length > 0) this.#marks.set(holder);
    while (this.#free.length > 0) {
      const some = JSON.stringify(this.#free.splice(0, TAKEN_AT_ONCE));
      const taken = this.#connection.all(
        `UPDATE jobs SET lease_holder = ?, orphaned = 1
         WHERE seq IN (SELECT value FROM json_each(?)) AND ${isFree} RETURNING *`,
        [holder, some, ...values],
      );
      // Another process may have been faster.
      if (taken.length > 0) return taken.map(readRow);
    }
    for (const one of gone) this.#connection.run("DELETE FROM holders WHERE holder = ?", [one]);
    this.#markHolders();
    return [];
  }

  /** Leaves the marks of those who hold unfinished jobs; of jobs that nobody holds, all of them. */
  #markHolders(): void {
    const held = this.#connection
      .all(
        `SELECT DISTINCT coalesce(lease_holder, '') AS holder, 0 AS beat FROM jobs WHERE ${UNFINISHED}`,
        [],
      )
      .map((row) => holderRow.parse(row).holder);
    if (!held.includes("")) this.#marks.keepOnly(held);
  }

  leave(holder: string, jobIds: readonly string[]): void {
    this.#connection.run(
      `UPDATE jobs SET lease_holder = NULL
       WHERE lease_holder = ? AND job_id IN (SELECT value FROM json_each(?)) AND ${LEAVABLE}`,
      [holder, JSON.stringify(jobIds)],
    );
  }

  release(holder: string): void {
    const left = this.#connection.all(
      `UPDATE jobs SET lease_holder = NULL WHERE lease_holder = ? AND ${UNFINISHED} RETURNING 1`,
      [holder],
    );
    if (left.length === 0) this.#marks.clear(holder);
    this.#connection.run("DELETE FROM holders WHERE holder = ?", [holder]);
  }
}
