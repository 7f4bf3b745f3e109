import type { Settings } from "../settings/settings.ts";
import { ClosedMarkerFile } from "../storage/sqlite/closed-marker.ts";
import { Connection } from "../storage/sqlite/connection.ts";
import { SqliteAuditLog } from "../storage/sqlite/sqlite-audit-log.ts";
import { SqliteUserStore } from "../storage/sqlite/sqlite-user-store.ts";
import { Door } from "../users/door.ts";
import { requireDataDir } from "./data-folder.ts";
import type { Ending } from "./ending.ts";

/** The record of users, as a command uses it beside running servers. */
export interface UserRecord {
  connection: Connection;
  users: SqliteUserStore;
  audit: SqliteAuditLog;
  door: Door;
}

/** What the `users` command works with. */
export interface UserSurroundings extends UserRecord {
  settings: Settings;
  /** Milliseconds since the epoch. */
  now: number;
  /** On stdout: what was asked for, and nothing else. */
  write: (text: string) => void;
  /** A line on stderr. */
  say: (text: string) => void;
}

/** Does something with the record and closes it, also when the process has to end before. */
export async function withUserRecord(
  dataDir: string,
  ending: Ending,
  work: (record: UserRecord) => Promise<void>,
): Promise<void> {
  requireDataDir(dataDir);
  const connection = new Connection(dataDir);
  ending.closeWith(async () => connection.close());
  const users = new SqliteUserStore(connection);
  try {
    await work({
      connection,
      users,
      audit: new SqliteAuditLog(connection),
      door: new Door(users, new ClosedMarkerFile(dataDir)),
    });
  } finally {
    connection.close();
  }
}
