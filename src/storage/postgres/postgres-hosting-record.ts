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
import type { PostgresDatabase, Statements } from "./database.ts";

/** What all that change the record or a file wait for. */
const HOSTED = "hosted files";

const fileRow = z.object({ name: z.string(), sizeBytes: z.number() });
const bytesRow = z.object({ bytes: z.number() });

interface Own {
  clock: Clock;
  /** This process, as leases name it. */
  holder: string;
  isGone: (holder: string) => boolean;
}

/** Which job needs which hosted file, beside the jobs. */
export class PostgresHostingRecord implements HostingRecord {
  readonly #db: PostgresDatabase;
  readonly #own: Own;

  constructor(db: PostgresDatabase, own: Own) {
    this.#db = db;
    this.#own = own;
  }

  async claim(claim: Claim, place: (file: StagedFile) => Promise<void>): Promise<Claimed> {
    const { owner, jobId, files } = claim;
    return this.#db.holding(HOSTED, async (db) => {
      const claimed = await wouldClaim(db, claim);
      if (!claimed.isNoted) return claimed;
      for (const file of files) await place(file);
      const { holder, clock } = this.#own;
      for (const { name, sizeBytes } of files) {
        await db.run(
          `INSERT INTO hosted_files (owner, job_id, name, size_bytes, holder, claimed_at)
           VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
          [owner, jobId, name, sizeBytes, holder, clock.now()],
        );
      }
      return claimed;
    });
  }

  async wouldClaim(claim: Claim): Promise<Claimed> {
    return wouldClaim(this.#db, claim);
  }

  async filesOf(owner: string, jobId: string): Promise<NeededFile[]> {
    return filesOf(this.#db, owner, jobId);
  }

  async holding(
    owner: string,
    jobId: string,
    use: (file: NeededFile) => Promise<void>,
  ): Promise<void> {
    await this.#db.holding(HOSTED, async (db) => {
      for (const file of await filesOf(db, owner, jobId)) await use(file);
    });
  }

  async release(
    owner: string,
    jobId: string,
    remove: (name: string) => Promise<void>,
  ): Promise<void> {
    // Most jobs have none, and those are not worth a lock.
    if ((await this.filesOf(owner, jobId)).length === 0) return;
    await this.#db.holding(HOSTED, async (db) => {
      // Before it is forgotten: a file that stays is still spoken for, and the next sweep tries again.
      for (const { name } of await filesOf(db, owner, jobId)) {
        if (!(await isNeeded(db, name, jobId))) await remove(name);
      }
      await db.run("DELETE FROM hosted_files WHERE owner = ? AND job_id = ?", [owner, jobId]);
    });
  }

  async clear(names: readonly string[], remove: (name: string) => Promise<void>): Promise<void> {
    if (names.length === 0) return;
    await this.#db.holding(HOSTED, async (db) => {
      for (const name of names) if (!(await isNeeded(db, name))) await remove(name);
    });
  }

  async overdue(): Promise<{ owner: string; jobId: string }[]> {
    const now = this.#own.clock.now();
    const rows = await this.#db.all(
      `SELECT DISTINCT hosted_files.owner AS owner, hosted_files.job_id AS "jobId",
         hosted_files.holder AS holder, claimed_at AS "claimedAt", state, charge,
         updated_at AS "updatedAt",
         CAST(EXISTS (SELECT 1 FROM deleted_jobs WHERE deleted_jobs.job_id = hosted_files.job_id
           AND deleted_jobs.owner = hosted_files.owner) AS integer) AS "isDeleted"
       FROM hosted_files LEFT JOIN jobs
         ON jobs.job_id = hosted_files.job_id AND jobs.owner = hosted_files.owner`,
      [],
    );
    return rows.flatMap((row) => overdueClaim(row, now, this.#own.isGone));
  }
}

async function wouldClaim(
  db: Statements,
  { owner, files, maxBytes, maxOwnBytes = maxBytes }: Claim,
): Promise<Claimed> {
  const added = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
  for (const name of [...added.keys()]) if (await isNeeded(db, name)) added.delete(name);
  const addedBytes = [...added.values()].reduce((sum, one) => sum + one, 0);
  const own = await usedBytes(db, owner);
  const isNoted = own + addedBytes <= maxOwnBytes && (await usedBytes(db)) + addedBytes <= maxBytes;
  return { isNoted, usedBytes: own, addedBytes };
}

async function filesOf(db: Statements, owner: string, jobId: string): Promise<NeededFile[]> {
  const rows = await db.all(
    `SELECT name, size_bytes AS "sizeBytes" FROM hosted_files
     WHERE owner = ? AND job_id = ? ORDER BY name`,
    [owner, jobId],
  );
  return rows.map((row) => fileRow.parse(row));
}

/** @param besides a job that does not count. */
async function isNeeded(db: Statements, name: string, besides = ""): Promise<boolean> {
  const sql = "SELECT 1 FROM hosted_files WHERE name = ? AND job_id <> ? LIMIT 1";
  return (await db.all(sql, [name, besides])).length > 0;
}

/** The bytes of all files that jobs need, each counted once. @param owner of all when absent. */
async function usedBytes(db: Statements, owner: string | null = null): Promise<number> {
  const [row] = await db.all(
    `SELECT CAST(coalesce(sum(bytes), 0) AS bigint) AS bytes
     FROM (SELECT max(size_bytes) AS bytes FROM hosted_files
       WHERE owner = coalesce(?, owner) GROUP BY name) AS files`,
    [owner],
  );
  return bytesRow.parse(row).bytes;
}
