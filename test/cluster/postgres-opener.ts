import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { bringForward } from "../../src/storage/postgres/bring-forward.ts";
import type { PostgresDatabase } from "../../src/storage/postgres/database.ts";
import { databaseAddress } from "../../src/storage/postgres/database-address.ts";
import { FollowedJobs } from "../../src/storage/postgres/followed-jobs.ts";
import { PostgresAuditLog } from "../../src/storage/postgres/postgres-audit-log.ts";
import { PostgresBelongings } from "../../src/storage/postgres/postgres-belongings.ts";
import { PostgresConnection } from "../../src/storage/postgres/postgres-connection.ts";
import { PostgresHostingRecord } from "../../src/storage/postgres/postgres-hosting-record.ts";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { PostgresQuestionRecord } from "../../src/storage/postgres/postgres-question-record.ts";
import { PostgresThreadStore } from "../../src/storage/postgres/postgres-thread-store.ts";
import { PostgresUploadRecord } from "../../src/storage/postgres/postgres-upload-record.ts";
import { PostgresUserStore } from "../../src/storage/postgres/postgres-user-store.ts";
import { PostgresWebhookRecord } from "../../src/storage/postgres/postgres-webhook-record.ts";
import type { OpenedAs, Stores } from "../contracts/kit.ts";

/** This module, for other processes. */
export const opener = join(import.meta.dirname, "postgres-opener.ts");

export const serverUrl = () => process.env["TEST_DATABASE_URL"] ?? "";

/** Whose tables a place has. Tests follow each other, so those of a process are emptied between. */
export function schemaOf(place: string): string {
  return readFileSync(join(place, "schema"), "utf8");
}

/** Connections of this process for those who are at one place: to open one takes longer than most tests. */
const shared = new Map<string, { connection: PostgresConnection; users: number }>();
/** A busy machine is no failure. */
const options = { clock: systemClock, deadlineMs: 150_000 };
/** So soon the next test begins; other processes end when theirs do. */
const NEXT_MS = 500;

export function connectionTo(place: string, prepares = true): PostgresDatabase {
  const schema = schemaOf(place);
  const key = `${schema} ${prepares}`;
  const address = databaseAddress(serverUrl());
  const pool = shared.get(key) ?? {
    connection: new PostgresConnection({ ...options, address, schema, prepares }),
    users: 0,
  };
  shared.set(key, pool);
  pool.users++;
  let isOpen = true;
  const connection = async () => {
    if (isOpen) return pool.connection;
    throw new AppError("storage", "The connection was closed.");
  };
  return {
    all: async (...asked) => (await connection()).all(...asked),
    run: async (...asked) => (await connection()).run(...asked),
    lock: async () => (await connection()).lock(),
    transaction: async (work) => (await connection()).transaction(work),
    holding: async (lock, work) => (await connection()).holding(lock, work),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      pool.users--;
      setTimeout(() => {
        if (pool.users > 0 || shared.get(key) !== pool) return;
        shared.delete(key);
        void pool.connection.close();
      }, NEXT_MS);
    },
  };
}

/** Opens what the contract suites look at, in this process or in another. @param place a folder. */
export async function open(place: string, { holder = "me", now }: OpenedAs = {}): Promise<Stores> {
  const connection = connectionTo(place);
  await bringForward(connection, schemaOf(place), "here");
  const clock = now === undefined ? systemClock : { ...systemClock, now: () => now };
  const followed = new FollowedJobs();
  const isGone = (one: string) => one === "gone";
  return {
    jobs: await new PostgresJobStore(connection, followed).begin(),
    threads: new PostgresThreadStore(connection, followed),
    hosting: new PostgresHostingRecord(connection, { clock, holder, isGone }),
    users: new PostgresUserStore(connection),
    uploads: new PostgresUploadRecord(connection),
    audit: new PostgresAuditLog(connection),
    belongings: new PostgresBelongings(connection),
    webhooks: new PostgresWebhookRecord(connection),
    questions: new PostgresQuestionRecord(connection),
    hurry: () => {},
  };
}
