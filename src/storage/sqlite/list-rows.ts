import * as z from "zod";
import type { EndedPage, JobPage, JobQuery, TimeSpan } from "../../jobs/job-store.ts";
import { ALL, pageCursor, readCursor, sequenceRow } from "../rows/cursors.ts";
import {
  type Column,
  LISTED_PROMPT_CHARACTERS,
  marks,
  readListed,
  readWholeRow,
  UNFINISHED,
} from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { matching } from "./search-rows.ts";

/** Exported for a test, which asks how it is answered. */
export const DURATIONS = `SELECT completed_at - created_at AS ms FROM jobs
  WHERE owner = ? AND operation = ? AND state = 'completed' AND fingerprint IS NOT NULL
  AND completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?`;
const durationRow = z.object({ ms: z.number() });
export const PROMPT = `(SELECT substr(input ->> 'prompt', 1, ${LISTED_PROMPT_CHARACTERS}) FROM job_bodies
  WHERE job_bodies.job_id = jobs.job_id) AS prompt`;

const rangeRow = z.object({
  lowest: z.number().nullable(),
  highest: z.number().nullable(),
  n: z.number(),
});
/** So many jobs of a time are not all looked at to know where the first of them is. */
const MANY = 1_000;
/** So few jobs are looked at one by one. */
const RARE = 100;
/** All words of a row of the index, each between spaces. */
const WORDS = "' ' || job_words.asked || ' ' || job_words.files || ' '";

/** A page of an owner's jobs, newest first. @throws {invalid_input} for a cursor that is not ours. */
export function listJobs(connection: Connection, query: JobQuery): JobPage {
  const { owner, words, span = {}, states, operation, limit } = query;
  const { lowest, highest } = rangeOf(connection, owner, span);
  // The row's number is asked of the table that gives the order, which is then read no further than
  // the page. SQLite would not choose the index that is best for it.
  const isFew = isRare(connection, query);
  const byState = isFew || (isOne(states) && !operation);
  const index = byState ? "jobs_by_state" : operation ? "jobs_by_operation" : "jobs_of_owner";
  const jobs = `jobs INDEXED BY ${index}`;
  const [from, seq] = !words
    ? [jobs, "jobs.seq"]
    : isFew
      ? [`${jobs} CROSS JOIN job_words ON job_words.rowid = jobs.seq`, "jobs.seq"]
      : ["job_words CROSS JOIN jobs ON jobs.seq = job_words.rowid", "job_words.rowid"];
  const filters = [`${seq} >= ?`, `${seq} <= ?`, "owner = ?"];
  const values: Column[] = [lowest, Math.min(highest, readCursor(query.cursor) - 1), owner];
  const narrow = (filter: string, ...more: Column[]) => {
    filters.push(filter);
    values.push(...more);
  };
  for (const { text, isBeginning } of isFew ? (words ?? []) : []) {
    narrow(`instr(${WORDS}, ?)`, isBeginning ? ` ${text}` : ` ${text} `);
  }
  if (words && !isFew) {
    const isOurs = words.length > 0 && isAlone(connection, owner);
    narrow("job_words MATCH ?", matching(words, isOurs ? undefined : owner));
  }
  if (span.since !== undefined) narrow("created_at >= ?", span.since);
  if (span.before !== undefined) narrow("created_at < ?", span.before);
  if (operation !== undefined) narrow("operation = ?", operation);
  if (states) narrow(`state IN (${states.map(() => "?").join(", ")})`, ...states);
  const rows = connection.all(
    `SELECT jobs.*, ${PROMPT} FROM ${from} WHERE ${filters.join(" AND ")} ORDER BY ${seq} DESC LIMIT ?`,
    [...values, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = sequenceRow.safeParse(page.at(-1)).data;
  return {
    jobs: page.map(readListed),
    nextCursor: rows.length > limit && last ? pageCursor(last.seq) : undefined,
  };
}

/** What the newest completed jobs of an operation took, in milliseconds; reads no more rows. */
export function durationsOf(
  connection: Connection,
  owner: string,
  operation: string,
  most: number,
): number[] {
  const rows = connection.all(DURATIONS, [owner, operation, most]);
  return rows.map((row) => durationRow.parse(row).ms);
}

/** Whether all jobs are of one owner, so that no word needs to say whose one is. */
function isAlone(connection: Connection, owner: string): boolean {
  const sql =
    "SELECT 1 FROM jobs WHERE owner < ? UNION ALL SELECT 1 FROM jobs WHERE owner > ? LIMIT 1";
  return connection.all(sql, [owner, owner]).length === 0;
}

/** Whether so few jobs are in one of some states that their words are rather looked at one by one. */
function isRare(connection: Connection, { owner, states }: JobQuery): boolean {
  if (!states) return false;
  const rows = connection.all(
    `SELECT 1 FROM jobs INDEXED BY jobs_by_state WHERE owner = ?
     AND state IN (${marks(states)}) LIMIT ${RARE + 1}`,
    [owner, ...states],
  );
  return rows.length <= RARE;
}

function isOne(list: readonly unknown[] | undefined): boolean {
  return list?.length === 1;
}

/**
 * The rows among which those of a time are: they are numbered as they were started, or nearly. Of
 * many that go on to the newest, a page is soon full without that.
 */
function rangeOf(connection: Connection, owner: string, { since = 0, before }: TimeSpan) {
  const all = { lowest: 0, highest: ALL };
  if (since === 0 && before === undefined) return all;
  const most = before === undefined ? MANY : ALL;
  const [row] = connection.all(
    `SELECT min(seq) AS lowest, max(seq) AS highest, count(*) AS n FROM (SELECT seq FROM jobs
     WHERE owner = ? AND created_at >= ? AND created_at < ? LIMIT ?)`,
    [owner, since, before ?? ALL, most],
  );
  const { lowest, highest, n } = rangeRow.parse(row);
  return n === most ? all : { lowest: lowest ?? 0, highest: highest ?? 0 };
}

/** Ended jobs that are no turns, of all owners, oldest first. @param after a row's number. */
export function endedJobs(connection: Connection, after: number, limit: number): EndedPage {
  const rows = connection.all(
    `SELECT jobs.*, input, wire FROM jobs JOIN job_bodies USING (job_id)
     WHERE seq > ? AND NOT (${UNFINISHED}) AND thread_id IS NULL ORDER BY seq LIMIT ?`,
    [after, limit],
  );
  const last = sequenceRow.safeParse(rows.at(-1)).data;
  return { jobs: rows.map(readWholeRow), last: last?.seq };
}
