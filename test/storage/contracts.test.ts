import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PostgresAuditLog } from "../../src/storage/postgres/postgres-audit-log.ts";
import { PostgresBelongings } from "../../src/storage/postgres/postgres-belongings.ts";
import { PostgresHostingRecord } from "../../src/storage/postgres/postgres-hosting-record.ts";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { PostgresQuestionRecord } from "../../src/storage/postgres/postgres-question-record.ts";
import { PostgresThreadStore } from "../../src/storage/postgres/postgres-thread-store.ts";
import { PostgresUploadRecord } from "../../src/storage/postgres/postgres-upload-record.ts";
import { PostgresUserStore } from "../../src/storage/postgres/postgres-user-store.ts";
import { PostgresWebhookRecord } from "../../src/storage/postgres/postgres-webhook-record.ts";
import { SqliteHostingRecord } from "../../src/storage/sqlite/hosted-record.ts";
import { SqliteQuestionRecord } from "../../src/storage/sqlite/question-rows.ts";
import { SqliteAuditLog } from "../../src/storage/sqlite/sqlite-audit-log.ts";
import { SqliteBelongings } from "../../src/storage/sqlite/sqlite-belongings.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { SqliteUserStore } from "../../src/storage/sqlite/sqlite-user-store.ts";
import { SqliteUploadRecord } from "../../src/storage/sqlite/upload-rows.ts";
import { SqliteWebhookRecord } from "../../src/storage/sqlite/webhook-rows.ts";

const CONTRACTS = join(import.meta.dirname, "../contracts");

it.each([
  PostgresAuditLog,
  PostgresBelongings,
  PostgresHostingRecord,
  PostgresJobStore,
  PostgresQuestionRecord,
  PostgresThreadStore,
  PostgresUploadRecord,
  PostgresUserStore,
  PostgresWebhookRecord,
  SqliteAuditLog,
  SqliteBelongings,
  SqliteHostingRecord,
  SqliteJobStore,
  SqliteQuestionRecord,
  SqliteThreadStore,
  SqliteUploadRecord,
  SqliteUserStore,
  SqliteWebhookRecord,
])(
  "whatever can be asked of a $name is asked by a contract, which knows neither SQLite nor PostgreSQL",
  async (one) => {
    const files = (await readdir(CONTRACTS)).map((name) => readFile(join(CONTRACTS, name), "utf8"));
    const suites = (await Promise.all(files)).join("\n");
    const asked = new Set([...suites.matchAll(/\.(\w+)\(/g)].map(([, name]) => name));
    const methods = Object.getOwnPropertyNames(one.prototype).filter(
      (name) => name !== "constructor",
    );
    expect(methods.filter((name) => !asked.has(name))).toEqual([]);
    expect(suites).not.toMatch(/sqlite|postgres/i);
  },
);
