import * as z from "zod";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";
import {
  AUDIT_EVENTS,
  type AuditEntry,
  type AuditLog,
  type AuditPage,
  type Refusals,
} from "../../users/audit-log.ts";
import type { Connection } from "./connection.ts";
import { sequenceRow } from "./list-rows.ts";

const entryRow = z
  .object({
    at: z.number(),
    event: z.enum(AUDIT_EVENTS),
    owner: z.string().nullable(),
    tool: z.string().nullable(),
    job_id: z.string().nullable(),
    request_id: z.string().nullable(),
    thread_id: z.string().nullable(),
    state: z.enum(JOB_STATES).nullable(),
    charge: z.enum(CHARGES).nullable(),
    usd: z.number().nullable(),
    address: z.string().nullable(),
    count: z.number().nullable(),
  })
  .transform(
    (row): AuditEntry => ({
      at: row.at,
      event: row.event,
      owner: row.owner ?? undefined,
      tool: row.tool ?? undefined,
      jobId: row.job_id ?? undefined,
      requestId: row.request_id ?? undefined,
      threadId: row.thread_id ?? undefined,
      state: row.state ?? undefined,
      charge: row.charge ?? undefined,
      usd: row.usd ?? undefined,
      address: row.address ?? undefined,
      count: row.count ?? undefined,
    }),
  );

/** In the job database, so that what is recorded of a job and what is noted of it are one. */
export class SqliteAuditLog implements AuditLog {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  async note(entry: Omit<AuditEntry, "count">): Promise<void> {
    noteAudit(this.#db, entry);
  }

  async noteRefusals(refusals: readonly Refusals[]): Promise<void> {
    this.#db.transaction(() => {
      for (const { address, minute, count } of refusals) {
        const [known] = this.#refusalsOf(minute, address);
        if (!known) noteAudit(this.#db, { at: minute, event: "login_refused", address });
        const [row] = known ? [known] : this.#refusalsOf(minute, address);
        const { seq } = sequenceRow.parse(row);
        this.#db.run(
          known
            ? "UPDATE refused_logins SET count = count + ? WHERE seq = ?"
            : "INSERT INTO refused_logins (count, seq) VALUES (?, ?)",
          [count, seq],
        );
      }
    });
  }

  async read(since: number, after: number, limit: number): Promise<AuditPage> {
    const rows = this.#db.all(
      `SELECT audit_log.*, refused_logins.count FROM audit_log
       LEFT JOIN refused_logins USING (seq) WHERE seq > ? AND at >= ? ORDER BY seq LIMIT ?`,
      [after, since, limit],
    );
    const last = rows.length < limit ? undefined : sequenceRow.parse(rows.at(-1)).seq;
    return { entries: rows.map((row) => entryRow.parse(row)), last };
  }

  #refusalsOf(minute: number, address: string): unknown[] {
    return this.#db.all(
      "SELECT seq FROM audit_log WHERE at = ? AND address = ? AND event = 'login_refused'",
      [minute, address],
    );
  }
}

/** Within whatever transaction there is. */
export function noteAudit(db: Connection, entry: Omit<AuditEntry, "count">): void {
  const { at, event, owner, tool, jobId, state, charge, usd, address, requestId, threadId } = entry;
  const more = [owner, tool, jobId, state, charge, usd, address, requestId, threadId];
  db.run(
    `INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd, address,
       request_id, thread_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [at, event, ...more.map((value) => value ?? null)],
  );
}
