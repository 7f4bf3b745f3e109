import { AppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Settings } from "../settings/settings.ts";
import type { ClosedMarker } from "../users/door.ts";
import { openRecord } from "./user-record.ts";

/**
 * What says at the start whether there have been users: a file beside the record, and where that is
 * on a server, the record itself. As long as it cannot be asked, there have been some.
 * @throws {configuration} when the server can never be used as it is set
 */
export async function closedPlace(settings: Settings, log: Log): Promise<ClosedMarker> {
  if (!settings.database) {
    const { ClosedMarkerFile } = await import("../storage/sqlite/closed-marker.ts");
    return new ClosedMarkerFile(settings.dataDir);
  }
  const isClosed = await hadUsers(settings, log);
  return { isSet: () => isClosed, set: () => {}, clear: () => {} };
}

async function hadUsers(settings: Settings, log: Log): Promise<boolean> {
  try {
    const stores = await openRecord(settings);
    try {
      return await stores.users.everExisted();
    } finally {
      await stores.close();
    }
  } catch (error) {
    if (error instanceof AppError && error.code === "storage") {
      log.warn({ err: error }, "the database cannot be used yet");
      return true;
    }
    throw error;
  }
}
