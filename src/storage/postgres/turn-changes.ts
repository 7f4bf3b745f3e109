import * as z from "zod";
import { isUnderWay, type ThreadFile, type Turn } from "../../chat/thread.ts";
import type { FilePiece } from "../../chat/thread-store.ts";
import { json, readRow, UNFINISHED } from "../rows/job-rows.ts";
import { noThread } from "../rows/refusals.ts";
import { ownerRow, stateRow, THREADS_OF, turnRow } from "../rows/thread-rows.ts";
import { STAMPED, type Statements } from "./database.ts";

const inputRow = z.object({ input: json(z.record(z.string(), z.unknown())) });

/** What whoever adds to a thread, or removes it, waits for. */
export function threadLock(threadId: string): string {
  return `thread ${threadId}`;
}

/** @throws {not_found} for a thread that somebody else has. */
export async function refuseAnothers(
  db: Statements,
  owner: string,
  threadId: string,
): Promise<void> {
  if ((await ownersOf(db, threadId)).every((one) => one === owner)) return;
  throw noThread(threadId);
}

/** One; none of a thread that is not there. */
export async function ownersOf(db: Statements, threadId: string): Promise<string[]> {
  const rows = await db.all("SELECT owner FROM chat_threads WHERE thread_id = ?", [threadId]);
  return rows.map((row) => ownerRow.parse(row).owner);
}

export async function isUnderWayNow(db: Statements, turn: Turn, now: number): Promise<boolean> {
  const [row] = await db.all("SELECT state FROM jobs WHERE job_id = ?", [turn.jobId]);
  return isUnderWay(turn, row === undefined ? undefined : stateRow.parse(row).state, now);
}

export async function openTurn(
  db: Statements,
  owner: string,
  threadId: string,
): Promise<Turn | undefined> {
  return (await turnsOf(db, owner, "thread_id = ? AND is_open = 1", [threadId]))[0];
}

export async function turnsOf(
  db: Statements,
  owner: string,
  condition: string,
  values: readonly string[],
): Promise<Turn[]> {
  const rows = await db.all(
    `SELECT * FROM chat_turns WHERE ${condition} AND thread_id IN ${THREADS_OF} ORDER BY seq`,
    [...values, owner],
  );
  return rows.map((row) => turnRow.parse(row));
}

/** Within a transaction. */
export async function insertFiles(
  db: Statements,
  threadId: string,
  pieces: readonly FilePiece[],
  files: readonly ThreadFile[],
  now: number,
): Promise<void> {
  for (const { jobId, position, part, content } of pieces) {
    await db.run(
      `INSERT INTO chat_file_parts (job_id, position, part, created_at, content)
       VALUES (?, ?, ?, ?, ?)`,
      [jobId, position, part, now, content],
    );
  }
  for (const file of files) {
    await db.run(
      `INSERT INTO chat_files (job_id, position, thread_id, name, sha256, size_bytes,
         json_bytes, tokens, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        ...[file.jobId, file.position, threadId, file.name, file.sha256],
        ...[file.sizeBytes, file.jsonBytes, file.tokens, now],
      ],
    );
  }
}

/**
 * Ends turns whose job has ended, and removes what nobody has spoken for since. Within a
 * transaction.
 */
export async function sweepThreads(db: Statements, before: number): Promise<void> {
  await db.run(
    `UPDATE chat_turns SET is_open = 0 WHERE is_open = 1
     AND job_id IN (SELECT job_id FROM jobs WHERE NOT (${UNFINISHED}))`,
    [],
  );
  await db.run(
    `DELETE FROM chat_turns WHERE is_open = 1 AND created_at < ?
     AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = chat_turns.job_id)`,
    [before],
  );
  for (const table of ["chat_file_parts", "chat_files"]) {
    await db.run(
      `DELETE FROM ${table} WHERE created_at < ?
       AND NOT EXISTS (SELECT 1 FROM chat_turns WHERE chat_turns.job_id = ${table}.job_id)`,
      [before],
    );
  }
}

/** Removes a turn with all that came with it, and its thread if that is empty then. */
export async function removeTurn(db: Statements, owner: string, jobId: string): Promise<void> {
  for (const table of ["chat_turns", "chat_parts", "chat_files", "chat_file_parts"]) {
    await db.run(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
  }
  await db.run(
    `DELETE FROM chat_threads WHERE owner = ?
     AND NOT EXISTS (SELECT 1 FROM chat_turns WHERE chat_turns.thread_id = chat_threads.thread_id)`,
    [owner],
  );
}

/** Removes a thread with all that is in it. @returns the files that its jobs had. */
export async function removeThread(
  db: Statements,
  threadId: string,
  now: number,
): Promise<string[]> {
  const turns = "(SELECT job_id FROM chat_turns WHERE thread_id = ?)";
  for (const table of ["chat_parts", "chat_file_parts", "chat_files"]) {
    await db.run(`DELETE FROM ${table} WHERE job_id IN ${turns}`, [threadId]);
  }
  await db.run("DELETE FROM chat_turns WHERE thread_id = ?", [threadId]);
  await db.run("DELETE FROM chat_threads WHERE thread_id = ?", [threadId]);
  return emptyJobs(db, threadId, now);
}

/**
 * The jobs of a deleted thread stay, because duplicates are told and costs are counted by them, but
 * tell nothing of it any more. @returns the files that they had.
 */
async function emptyJobs(db: Statements, threadId: string, now: number): Promise<string[]> {
  const rows = await db.all("SELECT * FROM jobs WHERE thread_id = ? ORDER BY seq FOR UPDATE", [
    threadId,
  ]);
  for (const { jobId } of rows.map(readRow)) await emptyBody(db, jobId);
  await db.run(
    "DELETE FROM job_words WHERE job_id IN (SELECT job_id FROM jobs WHERE thread_id = ?)",
    [threadId],
  );
  await db.run(
    `UPDATE jobs SET media = '[]', warnings = '[]', save_to = NULL, updated_at = ?,
       error = CAST(jsonb_set(CAST(error AS jsonb), '{message}', '"Its thread was deleted."') AS text),
       ${STAMPED}
     WHERE thread_id = ?`,
    [now, threadId],
  );
  return rows
    .map(readRow)
    .flatMap(({ media }) => media.flatMap(({ path, copies }) => [path, ...copies]));
}

async function emptyBody(db: Statements, jobId: string): Promise<void> {
  const [row] = await db.all("SELECT input FROM job_bodies WHERE job_id = ?", [jobId]);
  const { model = null, thread_id = null } = inputRow.parse(row).input;
  await db.run("UPDATE job_bodies SET wire = NULL, prompt = NULL, input = ? WHERE job_id = ?", [
    JSON.stringify({ model, thread_id }),
    jobId,
  ]);
}
