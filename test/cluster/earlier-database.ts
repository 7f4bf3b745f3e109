import { STEPS } from "../../src/storage/postgres/migrations/steps.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** @returns the address of a database as that version has left it. */
export async function earlierDatabase(version: number): Promise<string> {
  const url = await freshDatabase();
  const steps = STEPS.slice(0, version).map(({ sql }) => sql);
  await ask(
    url,
    `CREATE SCHEMA longcat_mcp; SET search_path TO longcat_mcp;
     CREATE TABLE schema_version (version BIGINT NOT NULL, compatible_from BIGINT NOT NULL);
     INSERT INTO schema_version VALUES (${version}, 1); ${steps.join("\n")}
     INSERT INTO store_secret VALUES ('of its own')`,
  );
  return url;
}
