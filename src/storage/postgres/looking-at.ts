import type { Clock } from "../../core/clock.ts";
import type { RecordPlace } from "../rows/whole-record.ts";
import { versionOfTables } from "./bring-forward.ts";
import { databaseAddress } from "./database-address.ts";
import { PostgresConnection } from "./postgres-connection.ts";

/**
 * What there is at an address, for a person; nothing is made or changed.
 * @throws {configuration | storage} when it cannot be used
 */
export async function lookAt(
  { url, prepares, schema }: NonNullable<RecordPlace["database"]>,
  clock: Clock,
): Promise<string> {
  const address = databaseAddress(url);
  const db = new PostgresConnection({ address, schema, prepares, clock });
  try {
    const version = await versionOfTables(db, schema, address.shown);
    return version === undefined
      ? `${address.shown}, still empty: tables are made when they are needed`
      : `${address.shown}, with tables of version ${version}`;
  } finally {
    await db.close();
  }
}
