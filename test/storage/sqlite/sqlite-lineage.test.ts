import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteLineage } from "../../../src/storage/sqlite/sqlite-lineage.ts";
import { describeLineage } from "../../contracts/lineage.ts";
import { tempDir } from "../../support/temp-dir.ts";

describeLineage(async () => {
  const connection = new Connection(await tempDir());
  return { store: new SqliteJobStore(connection), lineage: new SqliteLineage(connection) };
});
