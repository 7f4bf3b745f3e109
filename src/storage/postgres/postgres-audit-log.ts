import type { AuditEntry, AuditLog, AuditPage, Refusals } from "../../users/audit-log.ts";
import { readEntry } from "../rows/audit-rows.ts";
import { sequenceRow } from "../rows/cursors.ts";
import type { PostgresDatabase, Statements } from "./database.ts";

/** Beside the jobs, so that what is recorded of a job and what is noted of it are one. */
export class PostgresAuditLog implements AuditLog {
  readonly #db: PostgresDatabase;

  constructor(db: PostgresDatabase) {
    this.#db = db;
  }

  async note(entry: Omit<AuditEntry, "count">): Promise<void> {
    await noteAudit(this.#db, entry);
  }

  async noteRefusals(refusals: readonly Refusals[]): Promise<void> {
    await this.#db.transaction(async (db) => {
      await db.lock("refused logins");
      for (const { address, minute, count } of refusals) {
        const [known] = await refusalsOf(db, minute, address);
        if (!known) await noteAudit(db, { at: minute, event: "login_refused", address });
        const [row] = known ? [known] : await refusalsOf(db, minute, address);
        const { seq } = sequenceRow.parse(row);
        await db.run(
          known
            ? "UPDATE refused_logins SET count = count + ? WHERE seq = ?"
            : "INSERT INTO refused_logins (count, seq) VALUES (?, ?)",
          [count, seq],
        );
      }
    });
  }

  async read(since: number, after: number, limit: number): Promise<AuditPage> {
    const rows = await this.#db.all(
      `SELECT audit_log.*, refused_logins.count FROM audit_log
       LEFT JOIN refused_logins USING (seq) WHERE seq > ? AND at >= ? ORDER BY seq LIMIT ?`,
      [after, since, limit],
    );
    const last = rows.length < limit ? undefined : sequenceRow.parse(rows.at(-1)).seq;
    return { entries: rows.map(readEntry), last };
  }
}

/** Within whatever transaction there is. */
export async function noteAudit(db: Statements, entry: Omit<AuditEntry, "count">): Promise<void> {
  const { at, event, owner, tool, jobId, requestId, threadId, state, charge, usd, address } = entry;
  const more = [owner, tool, jobId, requestId, threadId, state, charge, usd, address];
  await db.run(
    `INSERT INTO audit_log (at, event, owner, tool, job_id, request_id, thread_id, state, charge,
       usd, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [at, event, ...more.map((value) => value ?? null)],
  );
}

function refusalsOf(db: Statements, minute: number, address: string): Promise<unknown[]> {
  return db.all(
    "SELECT seq FROM audit_log WHERE at = ? AND address = ? AND event = 'login_refused'",
    [minute, address],
  );
}
