import * as z from "zod";
import type { Clock } from "../../core/clock.ts";
import type { Claimed, HostingRecord, NeededFile, StagedFile } from "../../inputs/hosting.ts";
import { isOverdue } from "../../jobs/hosted-need.ts";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";
import type { Connection } from "./connection.ts";

const fileRow = z.object({ name: z.string(), sizeBytes: z.number() });
const bytesRow = z.object({ bytes: z.number() });
const claimRow = z.object({
  jobId: z.string(),
  holder: z.string(),
  claimedAt: z.number(),
  state: z.enum(JOB_STATES).nullable(),
  charge: z.enum(CHARGES).nullable(),
  updatedAt: z.number().nullable(),
  isDeleted: z.number(),
});

/** Which job needs which hosted file, in the job database. */
export class SqliteHostingRecord implements HostingRecord {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #holder: string;
  readonly #isGone: (holder: string) => boolean;

  constructor(
    connection: Connection,
    own: { clock: Clock; holder: string; isGone: (holder: string) => boolean },
  ) {
    this.#connection = connection;
    this.#clock = own.clock;
    this.#holder = own.holder;
    this.#isGone = own.isGone;
  }

  async claim(
    jobId: string,
    files: readonly StagedFile[],
    maxBytes: number,
    place: (file: StagedFile) => void,
  ): Promise<Claimed> {
    return this.#connection.transaction(() => {
      const usedBytes = this.#usedBytes();
      const added = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
      for (const name of added.keys()) if (this.#isNeeded(name)) added.delete(name);
      const addedBytes = [...added.values()].reduce((sum, one) => sum + one, 0);
      const isNoted = usedBytes + addedBytes <= maxBytes;
      if (!isNoted) return { isNoted, usedBytes, addedBytes };
      for (const file of files) {
        place(file);
        this.#connection.run(
          `INSERT OR IGNORE INTO hosted_files (job_id, name, size_bytes, holder, claimed_at)
           VALUES (?, ?, ?, ?, ?)`,
          [jobId, file.name, file.sizeBytes, this.#holder, this.#clock.now()],
        );
      }
      return { isNoted, usedBytes, addedBytes };
    });
  }

  async filesOf(jobId: string): Promise<NeededFile[]> {
    return this.#filesOf(jobId);
  }

  async eachNeeded(jobId: string, use: (file: NeededFile) => void): Promise<void> {
    this.#connection.transaction(() => {
      for (const file of this.#filesOf(jobId)) use(file);
    });
  }

  async release(jobId: string, remove: (name: string) => void): Promise<void> {
    // Most jobs have none, and those are not worth a transaction.
    if (this.#filesOf(jobId).length === 0) return;
    this.#connection.transaction(() => {
      const files = this.#filesOf(jobId);
      this.#connection.run("DELETE FROM hosted_files WHERE job_id = ?", [jobId]);
      // Before the commit: a file that stays is still spoken for, and the next sweep tries again.
      for (const { name } of files) if (!this.#isNeeded(name)) remove(name);
    });
  }

  async clear(names: readonly string[], remove: (name: string) => void): Promise<void> {
    this.#connection.transaction(() => {
      for (const name of names) if (!this.#isNeeded(name)) remove(name);
    });
  }

  async overdue(): Promise<string[]> {
    const now = this.#clock.now();
    return this.#connection
      .all(
        `SELECT DISTINCT hosted_files.job_id AS jobId, hosted_files.holder AS holder,
           claimed_at AS claimedAt, state, charge, updated_at AS updatedAt,
           EXISTS (SELECT 1 FROM deleted_jobs
             WHERE deleted_jobs.job_id = hosted_files.job_id) AS isDeleted
         FROM hosted_files LEFT JOIN jobs ON jobs.job_id = hosted_files.job_id`,
        [],
      )
      .map((row) => claimRow.parse(row))
      .filter(({ holder, claimedAt, state, charge, updatedAt, isDeleted }) => {
        if (isDeleted !== 0) return true;
        const isRecorded = state !== null && charge !== null && updatedAt !== null;
        const job = isRecorded ? { state, charge, updatedAt } : undefined;
        return isOverdue({ holder, claimedAt, job }, now, this.#isGone);
      })
      .map(({ jobId }) => jobId);
  }

  #filesOf(jobId: string): NeededFile[] {
    return this.#connection
      .all("SELECT name, size_bytes AS sizeBytes FROM hosted_files WHERE job_id = ?", [jobId])
      .map((row) => fileRow.parse(row));
  }

  #isNeeded(name: string): boolean {
    const rows = this.#connection.all("SELECT 1 FROM hosted_files WHERE name = ? LIMIT 1", [name]);
    return rows.length > 0;
  }

  /** The bytes of all files that jobs need, each content counted once. */
  #usedBytes(): number {
    const rows = this.#connection.all(
      `SELECT coalesce(sum(bytes), 0) AS bytes
       FROM (SELECT max(size_bytes) AS bytes FROM hosted_files GROUP BY name)`,
      [],
    );
    return bytesRow.parse(rows[0]).bytes;
  }
}
