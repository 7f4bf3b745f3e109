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
import type { Connection } from "./connection.ts";
import { StoreSecret } from "./store-secret.ts";

const nameRow = z.object({ owner: z.string(), job_id: z.string() });
const holderRow = z.object({ lease_holder: z.string().nullable() });

/** Webhooks in the job database, whose processes hear of each other's within their next look. */
export class SqliteWebhookRecord implements WebhookRecord {
  readonly #db: Connection;
  readonly #secret: StoreSecret;

  constructor(db: Connection) {
    this.#db = db;
    this.#secret = new StoreSecret(db);
  }

  async expect(job: Pick<Job, "owner" | "jobId">, secret: string, now: number): Promise<void> {
    const digest = this.#digest(secret);
    this.#db.run(
      `INSERT INTO webhook_secrets (job_id, digest, handle, owner, created_at)
       VALUES (?, ?, ?, ?, ?)`,
      [job.jobId, digest, handleOf(digest), job.owner, now],
    );
  }

  async isExpected(owner: string, jobId: string): Promise<boolean> {
    const sql = "SELECT 1 FROM webhook_secrets WHERE owner = ? AND job_id = ? LIMIT 1";
    return this.#db.all(sql, [owner, jobId]).length > 0;
  }

  async find(secret: string): Promise<SecretOf | undefined> {
    const digest = this.#digest(secret);
    const jobs = this.#db
      .all("SELECT DISTINCT owner, job_id FROM webhook_secrets WHERE handle = ?", [
        handleOf(digest),
      ])
      .map((row) => nameRow.parse(row));
    const own = jobs.filter(({ job_id }) => this.#isOneOf(job_id, digest))[0];
    if (!own) return undefined;
    const [row] = this.#db.all("SELECT * FROM jobs WHERE job_id = ? AND owner = ?", [
      own.job_id,
      own.owner,
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
    this.#db.run(
      `INSERT INTO webhook_calls (owner, job_id, request_id, heard_at, taken_by, taken_at)
       SELECT ?, ?, ?, ?, ?, ?
       WHERE (SELECT count(*) FROM webhook_calls WHERE job_id = ?) < ?
       ON CONFLICT (job_id, request_id) DO NOTHING`,
      [owner, jobId, requestId, now, takenBy ?? null, takenBy ? now : null, jobId, most],
    );
  }

  async take(taker: Taker): Promise<WebhookCall[]> {
    if (this.#free(taker).length === 0) return [];
    return this.#db.transaction(() =>
      this.#free(taker).map((call) => {
        this.#db.run(
          "UPDATE webhook_calls SET taken_by = ?, taken_at = ? WHERE job_id = ? AND request_id = ?",
          [taker.holder, taker.now, call.jobId, call.requestId],
        );
        return call;
      }),
    );
  }

  async done(call: { owner: string; jobId: string; requestId?: string }): Promise<void> {
    const { owner, jobId, requestId = null } = call;
    this.#db.run(
      `DELETE FROM webhook_calls
       WHERE owner = ? AND job_id = ? AND request_id = coalesce(?, request_id)`,
      [owner, jobId, requestId],
    );
  }

  async sweep(now: number): Promise<void> {
    this.#db.transaction(() => {
      const over = this.#db
        .all("SELECT * FROM jobs WHERE job_id IN (SELECT job_id FROM webhook_secrets)", [])
        .map(readRow)
        .filter((job) => !takesWebhooks(job, now))
        .map(({ jobId }) => jobId);
      if (over.length === 0) return;
      for (const table of ["webhook_secrets", "webhook_calls"]) {
        this.#db.run(`DELETE FROM ${table} WHERE job_id IN (SELECT value FROM json_each(?))`, [
          JSON.stringify(over),
        ]);
      }
    });
  }

  #free(taker: Taker): WebhookCall[] {
    const { holder, baseUrl } = taker;
    const rows = this.#db.all(
      `SELECT webhook_calls.* FROM webhook_calls JOIN jobs USING (job_id)
       WHERE taken_by IS NOT ? AND (lease_holder = ?
         OR (state = 'unknown' AND base_url = ?)) LIMIT ?`,
      [holder, holder, baseUrl, TAKEN_AT_ONCE],
    );
    return freeCalls(rows, taker);
  }

  #isOneOf(jobId: string, digest: string): boolean {
    const sql = "SELECT digest FROM webhook_secrets WHERE job_id = ?";
    return isAmong(this.#db.all(sql, [jobId]), digest);
  }

  #digest(secret: string): string {
    return this.#secret.digest(`webhook ${secret}`);
  }
}
