import * as z from "zod";
import type { Job } from "../../jobs/job.ts";
import {
  type SecretOf,
  type Taker,
  takesWebhooks,
  type WebhookCall,
  type WebhookRecord,
} from "../../purchases/webhook-record.ts";
import { freeCalls, handleOf, isAmong, TAKEN_AT_ONCE } from "../rows/heard-rows.ts";
import { readRow } from "../rows/job-rows.ts";
import { LISTED, type PostgresDatabase, type Statements } from "./database.ts";
import { InstallationSecret } from "./installation-secret.ts";

const nameRow = z.object({ owner: z.string(), job_id: z.string() });
const holderRow = z.object({ lease_holder: z.string().nullable() });

/** Webhooks beside the jobs; processes hear of each other's within their next look. */
export class PostgresWebhookRecord implements WebhookRecord {
  readonly #db: PostgresDatabase;
  readonly #secret: InstallationSecret;

  constructor(db: PostgresDatabase) {
    this.#db = db;
    this.#secret = new InstallationSecret(db);
  }

  async expect(job: Pick<Job, "owner" | "jobId">, secret: string, now: number): Promise<void> {
    const digest = await this.#digest(secret);
    await this.#db.run(
      `INSERT INTO webhook_secrets (job_id, digest, handle, owner, created_at)
       VALUES (?, ?, ?, ?, ?)`,
      [job.jobId, digest, handleOf(digest), job.owner, now],
    );
  }

  async isExpected(owner: string, jobId: string): Promise<boolean> {
    const sql = "SELECT 1 FROM webhook_secrets WHERE owner = ? AND job_id = ? LIMIT 1";
    return (await this.#db.all(sql, [owner, jobId])).length > 0;
  }

  async find(secret: string): Promise<SecretOf | undefined> {
    const digest = await this.#digest(secret);
    const rows = await this.#db.all(
      "SELECT DISTINCT owner, job_id FROM webhook_secrets WHERE handle = ?",
      [handleOf(digest)],
    );
    const own = [];
    for (const one of rows.map((row) => nameRow.parse(row))) {
      if (await isOneOf(this.#db, one.job_id, digest)) own.push(one);
    }
    const [first] = own;
    if (!first) return undefined;
    const [row] = await this.#db.all("SELECT * FROM jobs WHERE job_id = ? AND owner = ?", [
      first.job_id,
      first.owner,
    ]);
    if (row === undefined) return undefined;
    return { job: readRow(row), holder: holderRow.parse(row).lease_holder };
  }

  async note(
    { owner, jobId, requestId }: WebhookCall,
    takenBy: string | undefined,
    most: number,
    now: number,
  ): Promise<void> {
    await this.#db.transaction(async (db) => {
      await db.lock(`webhooks of ${jobId}`);
      await db.run(
        `INSERT INTO webhook_calls (job_id, owner, request_id, heard_at, taken_by, taken_at)
         SELECT CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS bigint),
           CAST(? AS text), CAST(? AS bigint)
         WHERE (SELECT count(*) FROM webhook_calls WHERE job_id = ?) < ?
         ON CONFLICT (job_id, request_id) DO NOTHING`,
        [jobId, owner, requestId, now, takenBy ?? null, takenBy ? now : null, jobId, most],
      );
    });
  }

  async take(taker: Taker): Promise<WebhookCall[]> {
    if ((await free(this.#db, taker, "")).length === 0) return [];
    return this.#db.transaction(async (db) => {
      const calls = await free(db, taker, "FOR UPDATE OF webhook_calls SKIP LOCKED");
      for (const { jobId, requestId } of calls) {
        await db.run(
          "UPDATE webhook_calls SET taken_by = ?, taken_at = ? WHERE job_id = ? AND request_id = ?",
          [taker.holder, taker.now, jobId, requestId],
        );
      }
      return calls;
    });
  }

  async done(call: { owner: string; jobId: string; requestId?: string }): Promise<void> {
    const { owner, jobId, requestId = null } = call;
    await this.#db.run(
      `DELETE FROM webhook_calls
       WHERE owner = ? AND job_id = ? AND request_id = coalesce(?, request_id)`,
      [owner, jobId, requestId],
    );
  }

  async sweep(now: number): Promise<void> {
    const rows = await this.#db.all(
      "SELECT * FROM jobs WHERE job_id IN (SELECT job_id FROM webhook_secrets)",
      [],
    );
    const over = rows
      .map(readRow)
      .filter((job) => !takesWebhooks(job, now))
      .map(({ jobId }) => jobId);
    if (over.length === 0) return;
    await this.#db.transaction(async (db) => {
      for (const table of ["webhook_secrets", "webhook_calls"]) {
        await db.run(`DELETE FROM ${table} WHERE job_id IN ${LISTED}`, [JSON.stringify(over)]);
      }
    });
  }

  #digest(secret: string): Promise<string> {
    return this.#secret.digest(`webhook ${secret}`);
  }
}

/**
 * There are few calls at any time, and a server that takes them for many would rather go through all
 * jobs: so each job is looked up for its call.
 */
async function free(db: Statements, taker: Taker, locking: string): Promise<WebhookCall[]> {
  const { holder, baseUrl } = taker;
  const rows = await db.all(
    `SELECT * FROM webhook_calls WHERE taken_by IS DISTINCT FROM ? AND (
       SELECT lease_holder = ? OR (state = 'unknown' AND base_url = ?) FROM jobs
       WHERE jobs.job_id = webhook_calls.job_id) LIMIT ? ${locking}`,
    [holder, holder, baseUrl, TAKEN_AT_ONCE],
  );
  return freeCalls(rows, taker);
}

async function isOneOf(db: Statements, jobId: string, digest: string): Promise<boolean> {
  return isAmong(
    await db.all("SELECT digest FROM webhook_secrets WHERE job_id = ?", [jobId]),
    digest,
  );
}
