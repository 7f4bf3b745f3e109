import * as z from "zod";
import type { PageWishes, TurnPage } from "../../chat/thread-store.ts";
import { NAMED_FILES, shownTurnRow } from "../rows/thread-rows.ts";
import type { Connection } from "./connection.ts";

const pieceRow = z.object({ piece: z.string() });

/** Reads a page of a thread, and of its texts no more than is shown. */
export function turnPage(
  db: Connection,
  threadId: string,
  { before = Number.MAX_SAFE_INTEGER, limit, characters }: PageWishes,
): TurnPage {
  const rows = db
    .all(
      `SELECT seq, job_id AS jobId, created_at AS createdAt,
         coalesce(outcome ->> 'model', request ->> 'model') AS model,
         substr(request ->> 'prompt', 1, ?) AS prompt,
         (SELECT coalesce(sum(length(answer)), 0) FROM chat_parts p
          WHERE p.job_id = t.job_id) AS answerCharacters,
         (SELECT coalesce(sum(length(reasoning)), 0) FROM chat_parts p
          WHERE p.job_id = t.job_id) AS reasoningCharacters,
         coalesce(outcome ->> 'brokeOff' IS NOT NULL, 0) AS brokeOff,
         outcome ->> 'finishReason' AS finishReason,
         (SELECT count(*) FROM chat_files f WHERE f.job_id = t.job_id) AS fileCount
       FROM chat_turns t WHERE thread_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
      [characters, threadId, before, limit + 1],
    )
    .map((row) => shownTurnRow.parse(row));
  const turns = rows.slice(0, limit).map((turn) => ({
    ...turn,
    answer: beginningOfAnswer(db, turn.jobId, characters),
    files: namesOf(db, turn.jobId),
  }));
  return { turns: turns.reverse(), hasEarlier: rows.length > limit };
}

function beginningOfAnswer(db: Connection, jobId: string, characters: number): string {
  return pieces(
    db,
    `SELECT substr(answer, 1, ?) AS piece FROM
       (SELECT part, answer, sum(length(answer)) OVER (ORDER BY part) - length(answer) AS earlier
        FROM chat_parts WHERE job_id = ?)
     WHERE earlier < ? ORDER BY part`,
    [characters, jobId, characters],
  ).join("");
}

function namesOf(db: Connection, jobId: string): string[] {
  const sql = "SELECT name AS piece FROM chat_files WHERE job_id = ? ORDER BY position LIMIT ?";
  return pieces(db, sql, [jobId, NAMED_FILES]);
}

function pieces(db: Connection, sql: string, values: (string | number)[]): string[] {
  return db.all(sql, values).map((row) => pieceRow.parse(row).piece);
}
