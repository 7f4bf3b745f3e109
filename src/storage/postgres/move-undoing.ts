import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import { MOVED_TABLES, type MovedTable } from "../../moving/moved-tables.ts";
import { json } from "../rows/job-rows.ts";
import { LISTED, type Statements } from "./database.ts";

const followedRow = z.object({ there: z.number(), touched: z.number(), others: z.number() });
const stateRow = z.object({ state: z.string() });
const filesRow = z.object({
  owner: z.string(),
  media: json(z.array(z.looseObject({ path: z.string() }))),
});

/**
 * Whether anything has become of jobs that came with a move that is done: they are not all there,
 * somebody has followed or changed one, or their owners have made or deleted others since.
 */
export async function hasFollowed(
  db: Statements,
  id: string,
  jobIds: readonly string[],
  owners: readonly string[],
): Promise<boolean> {
  const [move] = await db.all("SELECT state FROM moves WHERE source = ?", [id]);
  if (move === undefined || stateRow.parse(move).state !== "done") return false;
  const [ours, theirs] = [JSON.stringify(jobIds), JSON.stringify(owners)];
  const since = "xact > (SELECT xact FROM moves WHERE source = ?)";
  const [row] = await db.all(
    `SELECT count(*) FILTER (WHERE is_ours) AS there,
       count(*) FILTER (WHERE is_ours AND (is_touched OR is_new)) AS touched,
       count(*) FILTER (WHERE NOT is_ours AND is_new) AS others
     FROM (
       SELECT job_id IN ${LISTED} AS is_ours, fence > 0 OR lease_holder IS NOT NULL AS is_touched,
         ${since} AS is_new FROM jobs WHERE owner IN ${LISTED}
       UNION ALL SELECT FALSE, FALSE, ${since} FROM deleted_jobs WHERE owner IN ${LISTED}
     ) AS found`,
    [ours, id, theirs, id, theirs],
  );
  const { there, touched, others } = followedRow.parse(row);
  return there < jobIds.length || touched > 0 || others > 0;
}

/**
 * Within a transaction that nobody else who moves something is in: takes back what is under way.
 * @returns `false`, and nothing is changed, where the jobs have been followed.
 */
export async function beginLeaving(
  db: Statements,
  id: string,
  jobIds: readonly string[],
  owners: readonly string[],
): Promise<boolean> {
  // Nobody takes a job over, or adds one, between the look and the end of this.
  await db.run("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE", []);
  if (await hasFollowed(db, id, jobIds, owners)) return false;
  await db.run(
    `DELETE FROM jobs WHERE job_id IN ${LISTED}
     AND state IN ('queued', 'submitting', 'running', 'downloading', 'unknown')`,
    [JSON.stringify(jobIds)],
  );
  await db.run("UPDATE moves SET state = 'leaving' WHERE source = ?", [id]);
  return true;
}

export async function filesOf(
  db: Statements,
  jobIds: readonly string[],
): Promise<{ owner: string; ref: string }[]> {
  const sql = `SELECT owner, media FROM jobs WHERE job_id IN ${LISTED}`;
  const rows = await db.all(sql, [JSON.stringify(jobIds)]);
  return rows
    .map((row) => filesRow.parse(row))
    .flatMap(({ owner, media }) => media.map(({ path }) => ({ owner, ref: path })));
}

export async function removeRows(
  db: Statements,
  { name, key }: MovedTable,
  keys: readonly string[],
): Promise<void> {
  if (key === undefined) throw new AppError("internal", `Nothing is taken back of ${name}.`);
  await db.run(`DELETE FROM ${name} WHERE ${key} IN ${LISTED}`, [JSON.stringify(keys)]);
}

/** Where the move was what asked for tokens, nobody does any more, unless there are users by now. */
export async function noteUndone(db: Statements, id: string): Promise<void> {
  await db.run(
    `DELETE FROM closed WHERE NOT EXISTS (SELECT 1 FROM users)
     AND EXISTS (SELECT 1 FROM moves WHERE source = ? AND has_closed = 1)`,
    [id],
  );
  await db.run("UPDATE moves SET state = 'undone' WHERE source = ?", [id]);
  const stay = MOVED_TABLES.filter(({ onlyGrows }) => onlyGrows).map(({ name }) => name);
  await db.run(`DELETE FROM moved_tables WHERE source = ? AND name NOT IN ${LISTED}`, [
    id,
    JSON.stringify(stay),
  ]);
}
