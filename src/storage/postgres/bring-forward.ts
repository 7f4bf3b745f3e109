import { randomBytes } from "node:crypto";
import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { STEPS } from "./migrations/steps.ts";

const versionRow = z.object({ version: z.number(), compatible_from: z.number() });
const MIGRATING = "migrating";

/**
 * Brings the tables of an installation to the newest version, whoever of several comes first; makes
 * them where there are none.
 * @param schema where they lie. @param shown the database, for a person.
 * @throws {configuration} for a database of which this version of the program knows too little
 */
export async function bringForward(
  db: PostgresDatabase,
  schema: string,
  shown: string,
): Promise<void> {
  const before = await versionOfTables(db, schema, shown);
  if (before !== undefined && before >= STEPS.length) return;
  await db.holding(MIGRATING, async (within) => {
    // Asked again, because another process may have been faster.
    if (!(await hasVersions(within, schema))) {
      await within.run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`, []);
      await within.run(
        "CREATE TABLE schema_version (version BIGINT NOT NULL, compatible_from BIGINT NOT NULL)",
        [],
      );
      await within.run("INSERT INTO schema_version VALUES (0, 0)", []);
    }
    const { version } = await versionOf(within);
    for (const { sql, compatibleFrom } of STEPS.slice(version)) {
      await within.run(sql, []);
      await within.run("UPDATE schema_version SET version = version + 1, compatible_from = ?", [
        compatibleFrom,
      ]);
    }
    if (version === 0) {
      await within.run("INSERT INTO store_secret (secret) VALUES (?)", [randomBytes(32)]);
    }
  });
}

/**
 * The version of the tables of an installation; `undefined` where there are none.
 * @param shown the database, for a person.
 * @throws {configuration} for one of which this version of the program knows too little
 */
export async function versionOfTables(
  db: Statements,
  schema: string,
  shown: string,
): Promise<number | undefined> {
  if (!(await hasVersions(db, schema))) return undefined;
  const { version, compatible_from } = await versionOf(db);
  if (compatible_from > STEPS.length) {
    throw new AppError(
      "configuration",
      `The database ${shown} was brought to version ${version} by a newer longcat-mcp, which no longer works beside this one (version ${STEPS.length}). Install the newest version.`,
    );
  }
  return version;
}

async function hasVersions(db: Statements, schema: string): Promise<boolean> {
  const sql = "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'schema_version'";
  return (await db.all(sql, [schema])).length > 0;
}

async function versionOf(db: Statements): Promise<z.output<typeof versionRow>> {
  const [row] = await db.all("SELECT version, compatible_from FROM schema_version", []);
  return versionRow.parse(row);
}
