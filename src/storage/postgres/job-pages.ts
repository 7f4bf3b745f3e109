import * as z from "zod";
import { MICRODOLLARS } from "../../core/money.ts";
import type { Job } from "../../jobs/job.ts";
import type { JobFigures } from "../../jobs/job-figures.ts";
import type { EndedPage, JobPage, JobQuery } from "../../jobs/job-store.ts";
import { forgottenBefore, SETTLED_CHARGES, SURELY_PAST_MS } from "../../jobs/retention.ts";
import { readFigures } from "../rows/counted-rows.ts";
import { pageCursor, readCursor, sequenceRow } from "../rows/cursors.ts";
import {
  type Column,
  marks,
  readListed,
  readRow,
  readWholeRow,
  UNFINISHED,
  UNTOLD_AT_ONCE,
} from "../rows/job-rows.ts";
import { LISTED, type Statements } from "./database.ts";
import { matchingWords } from "./found-words.ts";

const durationRow = z.object({ ms: z.number() });
const numberRow = z.object({ n: z.number() });

/** A page of an owner's jobs, newest first. @throws {invalid_input} for a cursor that is not ours. */
export async function listJobs(db: Statements, query: JobQuery): Promise<JobPage> {
  const { owner, words, span = {}, states, operation, limit } = query;
  const filters = ["owner = ?", "seq < ?"];
  const values: Column[] = [owner, readCursor(query.cursor)];
  const narrow = (filter: string, ...more: Column[]) => {
    filters.push(filter);
    values.push(...more);
  };
  if (words) {
    narrow(
      "job_id IN (SELECT job_id FROM job_words WHERE (asked || files) @@ CAST(CAST(? AS text) AS tsquery))",
      matchingWords(words),
    );
  }
  if (span.since !== undefined) narrow("created_at >= ?", span.since);
  if (span.before !== undefined) narrow("created_at < ?", span.before);
  if (operation !== undefined) narrow("operation = ?", operation);
  if (states) narrow(states.length > 0 ? `state IN (${marks(states)})` : "FALSE", ...states);
  const rows = await db.all(
    `SELECT page.*, prompt FROM (SELECT * FROM jobs WHERE ${filters.join(" AND ")} ORDER BY seq DESC LIMIT ?) AS page
     JOIN job_bodies USING (job_id) ORDER BY seq DESC`,
    [...values, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = sequenceRow.safeParse(page.at(-1)).data;
  return {
    jobs: page.map(readListed),
    nextCursor: rows.length > limit && last ? pageCursor(last.seq) : undefined,
  };
}

/** Ended jobs that are no turns, of all owners, oldest first. @param after a row's number. */
export async function endedJobs(db: Statements, after: number, limit: number): Promise<EndedPage> {
  const rows = await db.all(
    `SELECT jobs.*, input, wire FROM jobs JOIN job_bodies USING (job_id)
     WHERE seq > ? AND NOT (${UNFINISHED}) AND thread_id IS NULL ORDER BY seq LIMIT ?`,
    [after, limit],
  );
  const last = sequenceRow.safeParse(rows.at(-1)).data;
  return { jobs: rows.map(readWholeRow), last: last?.seq };
}

/** What the newest completed jobs of an operation took, in milliseconds. */
export async function durationsOf(
  db: Statements,
  owner: string,
  operation: string,
  most: number,
): Promise<number[]> {
  const rows = await db.all(
    `SELECT completed_at - created_at AS ms FROM jobs
     WHERE owner = ? AND operation = ? AND state = 'completed' AND fingerprint IS NOT NULL
     AND completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?`,
    [owner, operation, most],
  );
  return rows.map((row) => durationRow.parse(row).ms);
}

/** How the jobs of everybody stand. */
export async function figuresOf(db: Statements): Promise<JobFigures> {
  const counted = await db.all(
    `SELECT state, operation, charge, count(*) AS jobs,
       CAST(sum(CASE charge WHEN 'none' THEN 0
         ELSE round(CAST(coalesce(cost_usd, reserved_usd, 0) AS numeric) * ${MICRODOLLARS})
       END) AS bigint) AS micro_usd
     FROM (
       SELECT state, operation, charge, cost_usd, reserved_usd FROM jobs UNION ALL
       SELECT 'deleted', operation, charge, cost_usd, reserved_usd FROM deleted_jobs) AS counted
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [],
  );
  const oldest = await db.all(
    `SELECT state, min(created_at) AS "createdAt" FROM jobs WHERE ${UNFINISHED} GROUP BY state`,
    [],
  );
  return readFigures(counted, oldest);
}

/** Completed orphans of an owner's that no answer has mentioned, the oldest first. */
export async function untoldOrphans(db: Statements, owner: string): Promise<Job[]> {
  const rows = await db.all(
    `SELECT * FROM jobs WHERE owner = ? AND orphaned = 1 AND delivered_at IS NULL
     AND mentioned_at IS NULL AND state = 'completed' ORDER BY seq LIMIT ${UNTOLD_AT_ONCE}`,
    [owner],
  );
  return rows.map(readRow);
}

/** A mention is no delivery: a client that lost the result must not buy it again. */
export async function markMentioned(
  db: Statements,
  owner: string,
  jobIds: readonly string[],
  now: number,
): Promise<void> {
  await db.run(`UPDATE jobs SET mentioned_at = ? WHERE owner = ? AND job_id IN ${LISTED}`, [
    ...[now, owner],
    JSON.stringify(jobIds),
  ]);
}

/** Removes old jobs, and what was left of deleted ones; within a transaction. @returns how many jobs. */
export async function forgetOld(db: Statements, keepDays: number, now: number): Promise<number> {
  // A time that has come even if a clock is ahead today: see the embedded store.
  const [row] = await db.all(
    `SELECT coalesce(max(created_at), 0) AS n FROM jobs
     WHERE created_at <= (SELECT max(created_at) FROM jobs) - ${SURELY_PAST_MS}`,
    [],
  );
  const before = forgottenBefore(keepDays, now, numberRow.parse(row).n);
  await db.run("DELETE FROM deleted_jobs WHERE greatest(created_at, deleted_at) < ?", [before]);
  await db.run("DELETE FROM chat_usage WHERE created_at < ?", [before]);
  const gone = await db.all(
    `DELETE FROM jobs WHERE NOT (${UNFINISHED}) AND charge IN (${marks(SETTLED_CHARGES)})
     AND greatest(created_at, updated_at) < ? RETURNING seq`,
    [...SETTLED_CHARGES, before],
  );
  await db.run("DELETE FROM money_days WHERE usd = 0", []);
  return gone.length;
}
