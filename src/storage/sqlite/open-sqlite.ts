import { join } from "node:path";
import { HOSTED_LOCK } from "../../core/folder-names.ts";
import { LOCAL_LEASE_TIMES } from "../../jobs/leases.ts";
import { Door } from "../../users/door.ts";
import type { OpenedBy, Stores } from "../rows/whole-record.ts";
import { ClosedMarkerFile } from "./closed-marker.ts";
import { Connection } from "./connection.ts";
import { FolderLock } from "./folder-lock.ts";
import { SqliteHostingRecord } from "./hosted-record.ts";
import { SqliteQuestionRecord } from "./question-rows.ts";
import { SqliteAuditLog } from "./sqlite-audit-log.ts";
import { SqliteBelongings } from "./sqlite-belongings.ts";
import { SqliteJobStore } from "./sqlite-job-store.ts";
import { SqliteLineage } from "./sqlite-lineage.ts";
import { SqliteThreadStore } from "./sqlite-thread-store.ts";
import { SqliteUserStore } from "./sqlite-user-store.ts";
import { SqliteUploadRecord } from "./upload-rows.ts";
import { SqliteWebhookRecord } from "./webhook-rows.ts";

/** All that is in one file. @throws {storage} */
export function openSqlite(dataDir: string, by: OpenedBy): Stores {
  const connection = new Connection(dataDir);
  const users = new SqliteUserStore(connection);
  const lock = new FolderLock(join(dataDir, HOSTED_LOCK), by.clock);
  return {
    jobs: new SqliteJobStore(connection),
    threads: new SqliteThreadStore(connection, by.holder),
    hosting: new SqliteHostingRecord(connection, lock, by),
    uploads: new SqliteUploadRecord(connection),
    webhooks: new SqliteWebhookRecord(connection),
    questions: new SqliteQuestionRecord(connection),
    users,
    audit: new SqliteAuditLog(connection),
    belongings: new SqliteBelongings(connection),
    lineage: new SqliteLineage(connection),
    door: new Door(users, new ClosedMarkerFile(dataDir)),
    clock: by.clock,
    leaseTimes: LOCAL_LEASE_TIMES,
    close: async () => connection.close(),
  };
}
