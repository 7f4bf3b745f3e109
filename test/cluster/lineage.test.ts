import { onTestFinished } from "vitest";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { PostgresLineage } from "../../src/storage/postgres/postgres-lineage.ts";
import { describeLineage } from "../contracts/lineage.ts";
import { emptyPlace } from "./empty-place.ts";
import { connectionTo } from "./postgres-opener.ts";

describeLineage(async () => {
  const connection = connectionTo(await emptyPlace());
  onTestFinished(() => connection.close());
  const store = await new PostgresJobStore(connection).begin();
  return { store, lineage: new PostgresLineage(connection) };
});
