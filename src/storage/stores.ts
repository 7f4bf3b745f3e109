import type { OpenedBy, RecordPlace, Stores } from "./rows/whole-record.ts";

/**
 * Opens the record.
 * @throws {storage} when it cannot be used now. @throws {configuration} when it never can as it is set
 */
export async function openStores(place: RecordPlace, by: OpenedBy): Promise<Stores> {
  if (place.database) {
    const { openPostgres } = await import("./postgres/open-postgres.ts");
    return openPostgres(place.database, by);
  }
  const { openSqlite } = await import("./sqlite/open-sqlite.ts");
  return openSqlite(place.dataDir, by);
}
