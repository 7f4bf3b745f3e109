import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { bringForward } from "../../src/storage/postgres/bring-forward.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectionTo, schemaOf } from "./postgres-opener.ts";

/** Each place is an installation of its own. */
const OTHER_SECRET = "UPDATE store_secret SET secret = sha256(CAST(random()::text AS bytea))";

/** Makes an empty place: a folder that names its tables. */
export async function emptyPlace(): Promise<string> {
  const place = await tempDir();
  await writeFile(join(place, "schema"), `test_${process.pid}`);
  const connection = connectionTo(place);
  await bringForward(connection, schemaOf(place), "here");
  const rows = await connection.all("SELECT tablename FROM pg_tables WHERE schemaname = ?", [
    schemaOf(place),
  ]);
  const emptied = rows
    .map((row) => z.object({ tablename: z.string() }).parse(row).tablename)
    .filter((name) => !["schema_version", "store_secret"].includes(name))
    .map((name) => `DELETE FROM ${name};`);
  // Triggers keep the audit log, and not only from us.
  await connection.transaction((within) =>
    within.run(
      `SET LOCAL session_replication_role = replica; ${emptied.join(" ")} ${OTHER_SECRET}`,
      [],
    ),
  );
  await connection.close();
  return place;
}
