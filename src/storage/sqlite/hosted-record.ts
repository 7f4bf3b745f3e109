import * as z from "zod";
import type { Clock } from "../../core/clock.ts";
import type {
  Claim,
  Claimed,
  HostingRecord,
  NeededFile,
  StagedFile,
} from "../../inputs/hosting-record.ts";
import { overdueClaim } from "../rows/claim-rows.ts";
import type { Connection } from "./connection.ts";
import type { FolderLock } from "./folder-lock.ts";

const fileRow = z.object({ name: z.string(), sizeBytes: z.number() });
const bytesRow = z.object({ bytes: z.number() });

interface Own {
  clock: Clock;
  /** This process, as leases name it. */
  holder: string;
  isGone: (holder: string) => boolean;
}

/** Which job needs which hosted file, in the job database. */
export class SqliteHostingRecord implements HostingRecord {
  readonly #connection: Connection;
  readonly #lock: FolderLock;
  readonly #own: Own;

  /** @param lock what all that change the record or a file wait for. */
  constructor(connection: Connection, lock: FolderLock, own: Own) {
    this.#connection = connection;
    this.#lock = lock;
    this.#own = own;
  }

  async claim(claim: Claim, place: (file: StagedFile) => Promise<void>): Promise<Claimed> {
    const { owner, jobId, files } = claim;
    return this.#lock.run(async () => {
      const claimed = this.#wouldClaim(claim);
      if (!claimed.isNoted) return claimed;
      for (const file of files) await place(file);
      const { holder, clock } = this.#own;
      this.#connection.transaction(() => {
        for (const { name, sizeBytes } of files) {
          this.#connection.run(
            `INSERT OR IGNORE INTO hosted_files (owner, job_id, name, size_bytes, holder, claimed_at)
             VALUES (?, ?, ?, ?, ?, ?)`,
            [owner, jobId, name, sizeBytes, holder, clock.now()],
          );
        }
      });
      return claimed;
    });
  }

  async wouldClaim(claim: Claim): Promise<Claimed> {
    return this.#wouldClaim(claim);
  }

  async filesOf(owner: string, jobId: string): Promise<NeededFile[]> {
    return this.#filesOf(owner, jobId);
  }

  async holding(
    owner: string,
    jobId: string,
    use: (file: NeededFile) => Promise<void>,
  ): Promise<void> {
    await this.#lock.run(async () => {
      for (const file of this.#filesOf(owner, jobId)) await use(file);
    });
  }

  async release(
    owner: string,
    jobId: string,
    remove: (name: string) => Promise<void>,
  ): Promise<void> {
    // Most jobs have none, and those are not worth a lock.
    if (this.#filesOf(owner, jobId).length === 0) return;
    await this.#lock.run(async () => {
      // Before it is forgotten: a file that stays is still spoken for, and the next sweep tries again.
      for (const { name } of this.#filesOf(owner, jobId)) {
        if (!this.#isNeeded(name, jobId)) await remove(name);
      }
      this.#connection.run("DELETE FROM hosted_files WHERE owner = ? AND job_id = ?", [
        owner,
        jobId,
      ]);
    });
  }

  async clear(names: readonly string[], remove: (name: string) => Promise<void>): Promise<void> {
    if (names.length === 0) return;
    await this.#lock.run(async () => {
      for (const name of names) if (!this.#isNeeded(name)) await remove(name);
    });
  }

  async overdue(): Promise<{ owner: string; jobId: string }[]> {
    const now = this.#own.clock.now();
    return this.#connection
      .all(
        `SELECT DISTINCT hosted_files.owner AS owner, hosted_files.job_id AS jobId,
           hosted_files.holder AS holder, claimed_at AS claimedAt, state, charge,
           updated_at AS updatedAt,
           EXISTS (SELECT 1 FROM deleted_jobs WHERE deleted_jobs.job_id = hosted_files.job_id
             AND deleted_jobs.owner = hosted_files.owner) AS isDeleted
         FROM hosted_files LEFT JOIN jobs
           ON jobs.job_id = hosted_files.job_id AND jobs.owner = hosted_files.owner`,
        [],
      )
      .flatMap((row) => overdueClaim(row, now, this.#own.isGone));
  }

  #wouldClaim({ owner, files, maxBytes, maxOwnBytes = maxBytes }: Claim): Claimed {
    const added = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
    for (const name of added.keys()) if (this.#isNeeded(name)) added.delete(name);
    const addedBytes = [...added.values()].reduce((sum, one) => sum + one, 0);
    const usedBytes = this.#usedBytes(owner);
    const isNoted =
      usedBytes + addedBytes <= maxOwnBytes && this.#usedBytes() + addedBytes <= maxBytes;
    return { isNoted, usedBytes, addedBytes };
  }

  #filesOf(owner: string, jobId: string): NeededFile[] {
    return this.#connection
      .all(
        "SELECT name, size_bytes AS sizeBytes FROM hosted_files WHERE owner = ? AND job_id = ?",
        [owner, jobId],
      )
      .map((row) => fileRow.parse(row));
  }

  /** @param besides a job that does not count. */
  #isNeeded(name: string, besides = ""): boolean {
    const rows = this.#connection.all(
      "SELECT 1 FROM hosted_files WHERE name = ? AND job_id <> ? LIMIT 1",
      [name, besides],
    );
    return rows.length > 0;
  }

  /** The bytes of all files that jobs need, each counted once. @param owner of all when absent. */
  #usedBytes(owner: string | null = null): number {
    const rows = this.#connection.all(
      `SELECT coalesce(sum(bytes), 0) AS bytes
       FROM (SELECT max(size_bytes) AS bytes FROM hosted_files
         WHERE owner = coalesce(?, owner) GROUP BY name)`,
      [owner],
    );
    return bytesRow.parse(rows[0]).bytes;
  }
}
