import * as z from "zod";
import type { Clock } from "../../core/clock.ts";
import { type HostingRecord, type StagedFile, UNCLAIMED_MS } from "../../inputs/hosting.ts";
import { CHARGES, isFinal, JOB_STATES, type Job } from "../../jobs/job.ts";
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
});

/**
 * Whether the provider may still fetch a job's files. Of a job in doubt nobody knows whether it was
 * accepted, so they stay for a while: an accepted job without its files would be paid for nothing.
 */
export function needsFiles(job: Pick<Job, "state" | "charge" | "updatedAt">, now: number): boolean {
  if (!isFinal(job.state)) return true;
  const isInDoubt = job.state === "unknown" && job.charge === "uncertain";
  return isInDoubt && now - job.updatedAt < UNCLAIMED_MS;
}

/** Which job needs which hosted file, in the job database. */
export class HostedRecord implements HostingRecord {
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

  exclusively<T>(work: () => T): T {
    return this.#connection.transaction(work);
  }

  add(jobId: string, files: readonly StagedFile[]): void {
    for (const { name, sizeBytes } of files) {
      this.#connection.run(
        `INSERT OR IGNORE INTO hosted_files (job_id, name, size_bytes, holder, claimed_at)
         VALUES (?, ?, ?, ?, ?)`,
        [jobId, name, sizeBytes, this.#holder, this.#clock.now()],
      );
    }
  }

  remove(jobId: string): void {
    this.#connection.run("DELETE FROM hosted_files WHERE job_id = ?", [jobId]);
  }

  filesOf(jobId: string): { name: string; sizeBytes: number }[] {
    return this.#connection
      .all("SELECT name, size_bytes AS sizeBytes FROM hosted_files WHERE job_id = ?", [jobId])
      .map((row) => fileRow.parse(row));
  }

  isNeeded(name: string): boolean {
    const rows = this.#connection.all("SELECT 1 FROM hosted_files WHERE name = ? LIMIT 1", [name]);
    return rows.length > 0;
  }

  usedBytes(): number {
    const rows = this.#connection.all(
      `SELECT coalesce(sum(bytes), 0) AS bytes
       FROM (SELECT max(size_bytes) AS bytes FROM hosted_files GROUP BY name)`,
      [],
    );
    return bytesRow.parse(rows[0]).bytes;
  }

  overdue(): string[] {
    const now = this.#clock.now();
    return this.#connection
      .all(
        `SELECT DISTINCT hosted_files.job_id AS jobId, hosted_files.holder AS holder,
           claimed_at AS claimedAt, state, charge, updated_at AS updatedAt
         FROM hosted_files LEFT JOIN jobs ON jobs.job_id = hosted_files.job_id`,
        [],
      )
      .map((row) => claimRow.parse(row))
      .filter(({ holder, claimedAt, state, charge, updatedAt }) => {
        if (state !== null && charge !== null && updatedAt !== null) {
          return !needsFiles({ state, charge, updatedAt }, now);
        }
        // Its start has not come to its record yet, or never will.
        return this.#isGone(holder) || now - claimedAt > UNCLAIMED_MS;
      })
      .map(({ jobId }) => jobId);
  }
}
