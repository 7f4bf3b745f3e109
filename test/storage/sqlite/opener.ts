import { join } from "node:path";
import { systemClock } from "../../../src/core/clock.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { FolderLock } from "../../../src/storage/sqlite/folder-lock.ts";
import { SqliteHostingRecord } from "../../../src/storage/sqlite/hosted-record.ts";
import { SqliteQuestionRecord } from "../../../src/storage/sqlite/question-rows.ts";
import { SqliteAuditLog } from "../../../src/storage/sqlite/sqlite-audit-log.ts";
import { SqliteBelongings } from "../../../src/storage/sqlite/sqlite-belongings.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../../src/storage/sqlite/sqlite-thread-store.ts";
import { SqliteUserStore } from "../../../src/storage/sqlite/sqlite-user-store.ts";
import { SqliteUploadRecord } from "../../../src/storage/sqlite/upload-rows.ts";
import { SqliteWebhookRecord } from "../../../src/storage/sqlite/webhook-rows.ts";
import type { OpenedAs, Stores } from "../../contracts/kit.ts";

/** Opens what the contract suites look at, in this process or in another. @param place a folder. */
export async function open(place: string, { holder = "me", now }: OpenedAs = {}): Promise<Stores> {
  const connection = new Connection(place);
  const clock = now === undefined ? systemClock : { ...systemClock, now: () => now };
  const lock = new FolderLock(join(place, "hosted.lock"), clock);
  const isGone = (one: string) => one === "gone";
  return {
    jobs: new SqliteJobStore(connection),
    threads: new SqliteThreadStore(connection, holder),
    hosting: new SqliteHostingRecord(connection, lock, { clock, holder, isGone }),
    users: new SqliteUserStore(connection),
    audit: new SqliteAuditLog(connection),
    belongings: new SqliteBelongings(connection),
    uploads: new SqliteUploadRecord(connection),
    webhooks: new SqliteWebhookRecord(connection),
    questions: new SqliteQuestionRecord(connection),
    hurry: () => void connection.all("PRAGMA synchronous=OFF", []),
  };
}
