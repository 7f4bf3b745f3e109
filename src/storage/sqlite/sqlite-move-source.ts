import * as z from "zod";
import { duplicatesUntil, standsForDuplicate } from "../../jobs/deduplication.ts";
import { isFinal } from "../../jobs/job.ts";
import type { MoveSource, Part, PlacedRow } from "../../moving/move-ends.ts";
import type { MovedTable } from "../../moving/moved-tables.ts";
import { readRow, UNFINISHED } from "../rows/job-rows.ts";
import { keyedDigest } from "../rows/keyed-digest.ts";
import type { Connection } from "./connection.ts";

const AT_ONCE = 200;
/** Of rows that may have a megabyte each, or files, which an interrupted move looks at again. */
const FEWER: Readonly<Record<string, number>> = {
  chat_file_parts: 10,
  chat_parts: 10,
  job_bodies: 20,
  jobs: 50,
};

/** Jobs that somebody would follow or look for, and turns that wait for an answer. */
const UNDER_WAY = `CREATE TEMP TABLE under_way AS
  SELECT job_id FROM jobs WHERE ${UNFINISHED} OR state = 'unknown'
  UNION SELECT job_id FROM chat_turns WHERE is_open = 1`;
const OF_JOBS = "job_id IN (SELECT job_id FROM under_way)";
const OF_THREADS = `thread_id IN (SELECT thread_id FROM chat_turns WHERE ${OF_JOBS})`;
/** As SQL: what belongs to a row but is none of its columns. */
const BESIDE: Readonly<Record<string, string>> = {
  jobs: `(SELECT coalesce(input ->> 'prompt', input ->> 'default_caption') FROM job_bodies
    WHERE job_bodies.job_id = jobs.job_id)`,
  chat_turns: `(SELECT json_group_array(name) FROM (SELECT name FROM chat_files
    WHERE chat_files.job_id = chat_turns.job_id ORDER BY position))`,
};

const numberRow = z.object({ n: z.number().nullable() });
const secretRow = z.object({ secret: z.instanceof(Uint8Array) });
const placedRow = z.looseObject({ placed_at: z.number(), beside: z.string().nullable() });
const columnSchema = z.union([z.string(), z.number(), z.null(), z.instanceof(Uint8Array)]);
const userRow = z.object({ name: z.string(), userId: z.string() });
const answeredRow = z.object({ question: z.string(), ends_at: z.number() });
const ownerRow = z.object({ owner: z.string() });

/** A record in a file, of which nothing changes meanwhile. */
export class SqliteMoveSource implements MoveSource {
  readonly id: string;
  readonly secret: Uint8Array;
  readonly #db: Connection;

  /**
   * @param db of a copy: a table of what is under way is made beside it.
   * @param id what the record is known by already: one of before there were secrets gets another
   *   secret with each copy.
   */
  constructor(db: Connection, id?: string) {
    this.#db = db;
    const [row] = db.all("SELECT secret FROM store_secret", []);
    this.secret = secretRow.parse(row).secret;
    this.id = id ?? keyedDigest(this.secret, "what this record is known by");
    db.run(UNDER_WAY, []);
  }

  count(table: MovedTable, part: Part): number {
    return this.#number(`SELECT count(*) AS n FROM ${table.name} WHERE ${inPart(table, part)}`);
  }

  rows(table: MovedTable, part: Part, after: number): PlacedRow[] {
    const { name, columns } = table;
    const most = FEWER[name] ?? AT_ONCE;
    const found = this.#db.all(
      `SELECT rowid AS placed_at, ${BESIDE[name] ?? "NULL"} AS beside, ${columns.join(", ")} FROM ${name}
       WHERE rowid > ? AND ${inPart(table, part)} ORDER BY rowid LIMIT ${most}`,
      [after],
    );
    return found.map((one) => {
      const { placed_at: at, beside, ...row } = placedRow.parse(one);
      return {
        at,
        beside: beside ?? undefined,
        row: z.record(z.string(), columnSchema).parse(row),
      };
    });
  }

  highest(table: "jobs" | "chat_turns" | "audit_log"): number {
    return this.#number(`SELECT max(seq) AS n FROM ${table}`);
  }

  owners(): string[] {
    const sql = ["jobs", "deleted_jobs", "chat_threads"].map((name) => `SELECT owner FROM ${name}`);
    return this.#db.all(sql.join(" UNION "), []).map((row) => ownerRow.parse(row).owner);
  }

  answered(): { question: string; ends_at: number }[] {
    const sql = "SELECT question, ends_at FROM answered_questions";
    return this.#db.all(sql, []).map((row) => answeredRow.parse(row));
  }

  users(): { name: string; userId: string }[] {
    const sql = `SELECT name, user_id AS userId FROM users
      WHERE name IS NOT NULL AND revoked_at IS NULL ORDER BY name`;
    return this.#db.all(sql, []).map((row) => userRow.parse(row));
  }

  closedAt(): number | undefined {
    const [row] = this.#db.all("SELECT min(closed_at) AS n FROM closed", []);
    return numberRow.parse(row).n ?? undefined;
  }

  protecting(now: number): { jobs: number; untilMs: number | undefined } {
    const rows = this.#db.all("SELECT * FROM jobs WHERE fingerprint IS NOT NULL", []);
    const jobs = rows.map(readRow).filter((job) => standsForDuplicate(job, now));
    const isForEver = jobs.some(({ state }) => !isFinal(state) || state === "unknown");
    const deleted = this.#db.all(
      "SELECT duplicates_until AS n FROM deleted_jobs WHERE duplicates_until > ?",
      [now],
    );
    const ends = [
      ...jobs.map(duplicatesUntil),
      ...deleted.map((row) => numberRow.parse(row).n ?? 0),
    ];
    return { jobs: ends.length, untilMs: isForEver ? undefined : Math.max(now, ...ends) };
  }

  needHosting(): number {
    return this.#number(
      `SELECT count(DISTINCT job_id) AS n FROM jobs JOIN hosted_files USING (job_id) WHERE ${UNFINISHED}`,
    );
  }

  close(): void {
    this.#db.close();
  }

  #number(sql: string): number {
    return numberRow.parse(this.#db.all(sql, [])[0]).n ?? 0;
  }
}

function inPart({ name, isOfJobs }: MovedTable, part: Part): string {
  if (!isOfJobs) return part === "settled" ? "TRUE" : "FALSE";
  const isUnderWay = name === "chat_threads" ? OF_THREADS : OF_JOBS;
  return part === "under way" ? isUnderWay : `NOT (${isUnderWay})`;
}

/** Every table of a record, for whoever makes sure that none is forgotten. */
export function tablesOf(db: Connection): string[] {
  const nameRow = z.object({ name: z.string() });
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
  return db.all(sql, []).map((row) => nameRow.parse(row).name);
}
