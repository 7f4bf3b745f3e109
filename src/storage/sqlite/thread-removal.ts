import { UNFINISHED } from "../rows/job-rows.ts";
import { keptRow } from "../rows/thread-rows.ts";
import type { Connection } from "./connection.ts";
import { NEXT_REVISION } from "./revision.ts";
import { removeWords } from "./search-rows.ts";

/**
 * Ends turns whose job has ended, and removes what nobody has spoken for since. Within a
 * transaction.
 */
export function sweepThreads(db: Connection, before: number): void {
  db.run(
    `UPDATE chat_turns SET is_open = 0 WHERE is_open = 1
     AND job_id IN (SELECT job_id FROM jobs WHERE NOT (${UNFINISHED}))`,
    [],
  );
  db.run(
    `DELETE FROM chat_turns
     WHERE is_open = 1 AND created_at < ? AND job_id NOT IN (SELECT job_id FROM jobs)`,
    [before],
  );
  for (const table of ["chat_file_parts", "chat_files"]) {
    db.run(
      `DELETE FROM ${table}
       WHERE created_at < ? AND job_id NOT IN (SELECT job_id FROM chat_turns)`,
      [before],
    );
  }
}

/** Removes a turn with all that came with it, and its thread if that is empty then. */
export function removeTurn(db: Connection, owner: string, jobId: string): void {
  removeWords(db, "turn_words", "SELECT seq FROM chat_turns WHERE job_id = ?", [jobId]);
  for (const table of ["chat_turns", "chat_parts", "chat_files", "chat_file_parts"]) {
    db.run(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
  }
  db.run(
    `DELETE FROM chat_threads
     WHERE owner = ? AND thread_id NOT IN (SELECT thread_id FROM chat_turns)`,
    [owner],
  );
}

/** Removes a thread with all that is in it. @returns the files that its jobs had. */
export function removeThread(db: Connection, threadId: string, now: number): string[] {
  removeWords(db, "turn_words", "SELECT seq FROM chat_turns WHERE thread_id = ?", [threadId]);
  removeWords(db, "job_words", "SELECT seq FROM jobs WHERE thread_id = ?", [threadId]);
  const turns = "(SELECT job_id FROM chat_turns WHERE thread_id = ?)";
  for (const table of ["chat_parts", "chat_file_parts", "chat_files"]) {
    db.run(`DELETE FROM ${table} WHERE job_id IN ${turns}`, [threadId]);
  }
  db.run("DELETE FROM chat_turns WHERE thread_id = ?", [threadId]);
  db.run("DELETE FROM chat_threads WHERE thread_id = ?", [threadId]);
  return emptyJobs(db, threadId, now);
}

/**
 * The jobs of a deleted thread stay, because duplicates are told and costs are counted by them, but
 * tell nothing of it any more. @returns the files that they had.
 */
function emptyJobs(db: Connection, threadId: string, now: number): string[] {
  const files = db
    .all(
      `SELECT media.value ->> 'path' AS path, media.value ->> 'copies' AS copies
       FROM jobs, json_each(jobs.media) AS media WHERE thread_id = ? ORDER BY seq`,
      [threadId],
    )
    .map((row) => keptRow.parse(row))
    .flatMap(({ path, copies }) => [path, ...copies]);
  db.run(
    `UPDATE job_bodies SET wire = NULL,
       input = json_object('model', input ->> 'model', 'thread_id', input ->> 'thread_id')
     WHERE job_id IN (SELECT job_id FROM jobs WHERE thread_id = ?)`,
    [threadId],
  );
  db.run(
    `UPDATE jobs SET media = '[]', warnings = '[]', save_to = NULL, updated_at = ?,
       error = json_set(error, '$.message', 'Its thread was deleted.'),
       revision = ${NEXT_REVISION}
     WHERE thread_id = ?`,
    [now, threadId],
  );
  return files;
}
