import { onTestFinished } from "vitest";
import { PostgresSessionRecord } from "../../src/storage/postgres/postgres-session-record.ts";
import { describeSessionRecord } from "../contracts/session-record.ts";
import { emptyPlace } from "./empty-place.ts";
import { connectionTo } from "./postgres-opener.ts";

describeSessionRecord(async () => {
  const place = await emptyPlace();
  const connection = connectionTo(place);
  const pooled = connectionTo(place, false);
  onTestFinished(async () => {
    await connection.close();
    await pooled.close();
  });
  return [new PostgresSessionRecord(connection), new PostgresSessionRecord(pooled)];
});
