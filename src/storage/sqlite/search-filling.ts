import * as z from "zod";
import { json, mediumSchema } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { insertTurnWords, type WordTable, writeJobWords } from "./search-rows.ts";

/** How many rows are filled in while everybody else waits. */
const FILLED_AT_ONCE = 500;

const belowRow = z.object({ below: z.number() });
const jobRow = z.object({
  seq: z.number(),
  owner: z.string(),
  jobId: z.string(),
  operation: z.string(),
  input: json(z.record(z.string(), z.unknown())),
  media: json(z.array(mediumSchema)),
});
const turnRow = z.object({ seq: z.number(), owner: z.string(), jobId: z.string() });

/**
 * Fills in what the index does not have yet, all of it, some at a time, so that others can work in
 * between: what was there before there was an index, and jobs that have come or changed since the
 * last time. To be called before anybody searches.
 */
export async function fillWords(db: Connection, table: WordTable): Promise<void> {
  while (belowOf(db, table) !== undefined) {
    db.transaction(() => fillSome(db, table));
    await new Promise(setImmediate);
  }
  if (table !== "job_words") return;
  while (fillPending(db)) await new Promise(setImmediate);
}

/** Fills in some of the jobs that have come or changed. @returns whether there were any. */
export function fillPending(db: Connection): boolean {
  if (db.all("SELECT 1 FROM pending_words LIMIT 1", []).length === 0) return false;
  db.transaction(() => {
    const rows = wordsOf(db, `seq IN (SELECT seq FROM pending_words LIMIT ${FILLED_AT_ONCE})`, []);
    for (const { seq, ...job } of rows) {
      writeJobWords(db, seq, job);
      db.run("DELETE FROM pending_words WHERE seq = ?", [seq]);
    }
  });
  return true;
}

function fillSome(db: Connection, table: WordTable): void {
  // Asked again, because another process may be at it.
  const below = belowOf(db, table);
  if (below === undefined) return;
  const lowest = table === "job_words" ? fillJobs(db, below) : fillTurns(db, below);
  if (lowest === undefined) db.run("DELETE FROM search_filling WHERE name = ?", [table]);
  else db.run("UPDATE search_filling SET below = ? WHERE name = ?", [lowest, table]);
}

function belowOf(db: Connection, table: WordTable): number | undefined {
  const [row] = db.all("SELECT below FROM search_filling WHERE name = ?", [table]);
  return row === undefined ? undefined : belowRow.parse(row).below;
}

/** @returns the lowest row that was filled in. */
function fillJobs(db: Connection, below: number): number | undefined {
  const rows = wordsOf(db, `seq < ? ORDER BY seq DESC LIMIT ${FILLED_AT_ONCE}`, [below]);
  for (const { seq, ...job } of rows) writeJobWords(db, seq, job);
  return rows.at(-1)?.seq;
}

/** What some jobs are found by. @param which SQL that chooses them. */
function wordsOf(db: Connection, which: string, values: readonly number[]) {
  return db
    .all(
      `SELECT seq, owner, job_id AS jobId, operation, input, media
       FROM jobs JOIN job_bodies USING (job_id) WHERE ${which}`,
      values,
    )
    .map((row) => jobRow.parse(row));
}

/** @returns the lowest row that was filled in. */
function fillTurns(db: Connection, below: number): number | undefined {
  const rows = db
    .all(
      `SELECT seq, owner, job_id AS jobId FROM chat_turns JOIN chat_threads USING (thread_id)
       WHERE seq < ? ORDER BY seq DESC LIMIT ${FILLED_AT_ONCE}`,
      [below],
    )
    .map((row) => turnRow.parse(row));
  for (const { owner, jobId } of rows) insertTurnWords(db, owner, jobId);
  return rows.at(-1)?.seq;
}
