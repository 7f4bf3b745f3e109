import * as z from "zod";
import { usersLeft } from "../rows/refusals.ts";
import type { Connection } from "./connection.ts";
import { noteAudit } from "./sqlite-audit-log.ts";

const numberRow = z.object({ n: z.number() });
const issuerRow = z.object({ issuer: z.string() });

/** Whether it is recorded that the service is closed. */
export function isClosed(db: Connection): boolean {
  return db.all("SELECT 1 FROM closed LIMIT 1", []).length > 0;
}

export function close(db: Connection, now: number): void {
  db.run("INSERT INTO closed (closed_at) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM closed)", [now]);
}

/** The issuer that the service was last started with. */
export function latestIssuer(db: Connection): string | null {
  const [row] = db.all("SELECT issuer FROM issuers ORDER BY started_at DESC LIMIT 1", []);
  return row === undefined ? null : issuerRow.parse(row).issuer;
}

/** Within a transaction. */
export function noteIssuer(db: Connection, issuer: string, now: number): void {
  const known = db.all("SELECT issuer FROM issuers WHERE issuer = ?", [issuer]);
  close(db, now);
  db.run("UPDATE users SET issuer = ? WHERE subject IS NOT NULL AND issuer IS NULL", [issuer]);
  db.run(
    `INSERT INTO issuers (issuer, started_at) VALUES (?, ?)
     ON CONFLICT (issuer) DO UPDATE SET started_at = excluded.started_at`,
    [issuer, now],
  );
  if (known.length === 0) noteAudit(db, { at: now, event: "issuer_set" });
}

/** Within a transaction. @throws {invalid_input} while there are users who are not revoked */
export function reopen(db: Connection, now: number, unmark: () => void): void {
  const [row] = db.all("SELECT count(*) AS n FROM users WHERE revoked_at IS NULL", []);
  const { n } = numberRow.parse(row);
  if (n > 0) throw usersLeft(n);
  unmark();
  db.run("DELETE FROM closed", []);
  db.run("DELETE FROM issuers", []);
  noteAudit(db, { at: now, event: "service_opened" });
}
