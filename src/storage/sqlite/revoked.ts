import { refusalOfRevoked } from "../rows/refusals.ts";
import type { Connection } from "./connection.ts";

/**
 * For a call that was let in before its user was revoked: nothing is bought for it any more.
 * @throws {forbidden}
 */
export function refuseRevoked(db: Connection, owner: string): void {
  const sql = "SELECT 1 FROM users WHERE user_id = ? AND revoked_at IS NOT NULL";
  if (db.all(sql, [owner]).length === 0) return;
  throw refusalOfRevoked();
}
