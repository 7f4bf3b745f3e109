import { systemClock } from "../core/clock.ts";
import { Lazy } from "../core/lazy.ts";
import { nameHolder } from "../jobs/lease-holder.ts";
import type { Settings } from "../settings/settings.ts";
import type { Stores } from "../storage/rows/whole-record.ts";
import { openStores } from "../storage/stores.ts";
import type { AuditLog } from "../users/audit-log.ts";
import type { Door } from "../users/door.ts";
import type { UserStore } from "../users/user-store.ts";
import { requireDataDir } from "./data-folder.ts";
import type { Ending } from "./ending.ts";
import { findPlace, lives } from "./process-place.ts";

/** The record of users, as a command uses it beside running servers. */
export interface UserRecord {
  stores: Stores;
  users: UserStore;
  audit: AuditLog;
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
  settings: Pick<Settings, "dataDir" | "database">,
  ending: Ending,
  work: (record: UserRecord) => Promise<void>,
): Promise<void> {
  requireDataDir(settings.dataDir);
  const stores = await openRecord(settings);
  const closing = new Lazy(() => stores.close());
  ending.closeWith(() => closing.get());
  const { users, audit, door } = stores;
  try {
    await work({ stores, users, audit, door });
  } finally {
    await closing.get();
  }
}

/** The record, as a command opens it beside running servers. @throws {storage | configuration} */
export async function openRecord(
  settings: Pick<Settings, "dataDir" | "database">,
): Promise<Stores> {
  const startedAt = Math.round(performance.timeOrigin);
  const naming = nameHolder({ place: findPlace(), pid: process.pid, startedAt, lives });
  return openStores(settings, { clock: systemClock, ...naming });
}
