import type { AuditEntry, AuditLog, AuditPage, Refusals } from "../../users/audit-log.ts";
import { readEntry } from "../rows/audit-rows.ts";
import { sequenceRow } from "../rows/cursors.ts";
import type { Connection } from "./connection.ts";

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
    return { entries: rows.map(readEntry), last };
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
