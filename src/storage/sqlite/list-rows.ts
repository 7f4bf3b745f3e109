import * as z from "zod";
import type { EndedPage, JobPage, JobQuery, ListedJob, TimeSpan } from "../../jobs/job-store.ts";
import { ALL, pageCursor, readCursor, sequenceRow } from "../rows/cursors.ts";
import { type Column, readRow, readWholeRow, UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { matching } from "./search-rows.ts";

/** Exported for a test, which asks how it is answered. */
export const DURATIONS = `SELECT completed_at - created_at AS ms FROM jobs
  WHERE owner = ? AND operation = ? AND state = 'completed' AND fingerprint IS NOT NULL
  AND completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?`;
const durationRow = z.object({ ms: z.number() });
/** More than any list shows of a prompt. */
const PROMPT_CHARACTERS = 400;
export const PROMPT = `(SELECT substr(input ->> 'prompt', 1, ${PROMPT_CHARACTERS}) FROM job_bodies
  WHERE job_bodies.job_id = jobs.job_id) AS prompt`;
const promptRow = z.object({ prompt: z.string().nullable() });

const rangeRow = z.object({ lowest: z.number().nullable(), highest: z.number().nullable() });

/** A page of an owner's jobs, newest first. @throws {invalid_input} for a cursor that is not ours. */
export function listJobs(connection: Connection, query: JobQuery): JobPage {
  const { owner, words, span = {}, states, operation, limit } = query;
  const { lowest, highest } = rangeOf(connection, owner, span);
  // The row's number is asked of the table that gives the order, which is then read no further than
  // the page. SQLite would not choose the index that is best for it.
  const index = operation ? "jobs_by_operation" : isOne(states) ? "jobs_by_state" : "jobs_of_owner";
  const [from, seq] = words
    ? ["job_words CROSS JOIN jobs ON jobs.seq = job_words.rowid", "job_words.rowid"]
    : [`jobs INDEXED BY ${index}`, "jobs.seq"];
  const filters = [`${seq} >= ?`, `${seq} <= ?`, "owner = ?"];
  const values: Column[] = [lowest, Math.min(highest, readCursor(query.cursor) - 1), owner];
  const narrow = (filter: string, ...more: Column[]) => {
    filters.push(filter);
    values.push(...more);
  };
  if (words) narrow("job_words MATCH ?", matching(owner, words));
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

function isOne(list: readonly unknown[] | undefined): boolean {
  return list?.length === 1;
}

/** The rows among which those of a time are: they are numbered as they were started, or nearly. */
function rangeOf(connection: Connection, owner: string, span: TimeSpan) {
  const { since = 0, before = Number.MAX_SAFE_INTEGER } = span;
  const isAll = span.since === undefined && span.before === undefined;
  const [row] = isAll
    ? []
    : connection.all(
        `SELECT min(seq) AS lowest, max(seq) AS highest FROM jobs
         WHERE owner = ? AND created_at >= ? AND created_at < ?`,
        [owner, since, before],
      );
  const { lowest, highest } = rangeRow.parse(row ?? { lowest: 0, highest: ALL });
  return { lowest: lowest ?? 0, highest: highest ?? 0 };
}

export function readListed(row: unknown): ListedJob {
  return { ...readRow(row), ...promptRow.parse(row) };
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
