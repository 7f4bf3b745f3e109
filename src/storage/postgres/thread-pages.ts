import * as z from "zod";
import type { ModelUsage, PageWishes, TurnPage } from "../../chat/thread-store.ts";
import type { TimeSpan } from "../../jobs/job-store.ts";
import { NAMED_FILES, shownTurnRow } from "../rows/thread-rows.ts";
import type { Statements } from "./database.ts";

const pieceRow = z.object({ piece: z.string() });
const usageRow = z.object({ model: z.string(), tokensIn: z.number(), tokensOut: z.number() });

/** Reads a page of a thread, and of its texts no more than is shown. */
export async function pageOfTurns(
  db: Statements,
  threadId: string,
  { before = Number.MAX_SAFE_INTEGER, limit, characters }: PageWishes,
): Promise<TurnPage> {
  const spoken = (what: string) =>
    `(SELECT CAST(coalesce(sum(length(${what})), 0) AS bigint) FROM chat_parts p
      WHERE p.job_id = t.job_id)`;
  const rows = await db.all(
    `SELECT seq, job_id AS "jobId", created_at AS "createdAt",
       coalesce(CAST(outcome AS json) ->> 'model', model) AS model,
       left(prompt, CAST(? AS integer)) AS prompt,
       ${spoken("answer")} AS "answerCharacters", ${spoken("reasoning")} AS "reasoningCharacters",
       CAST(coalesce(CAST(outcome AS json) ->> 'brokeOff' IS NOT NULL, FALSE) AS integer)
         AS "brokeOff",
       CAST(outcome AS json) ->> 'finishReason' AS "finishReason",
       (SELECT count(*) FROM chat_files f WHERE f.job_id = t.job_id) AS "fileCount"
     FROM chat_turns t WHERE thread_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
    [characters, threadId, before, limit + 1],
  );
  const turns = [];
  for (const turn of rows.slice(0, limit).map((row) => shownTurnRow.parse(row))) {
    turns.push({
      ...turn,
      answer: await beginningOfAnswer(db, turn.jobId, characters),
      files: (await fileNamesOf(db, turn.jobId)).slice(0, NAMED_FILES),
    });
  }
  return { turns: turns.reverse(), hasEarlier: rows.length > limit };
}

/** The names of what is attached to a turn, in the order in which it was. */
export async function fileNamesOf(db: Statements, jobId: string): Promise<string[]> {
  const sql = "SELECT name AS piece FROM chat_files WHERE job_id = ? ORDER BY position";
  return (await db.all(sql, [jobId])).map((row) => pieceRow.parse(row).piece);
}

/** What an owner's turns of a time have used, by model. */
export async function usageOf(
  db: Statements,
  owner: string,
  span: TimeSpan,
): Promise<ModelUsage[]> {
  const { since = 0, before = Number.MAX_SAFE_INTEGER } = span;
  const rows = await db.all(
    `SELECT model, CAST(sum(tokens_in) AS bigint) AS "tokensIn",
       CAST(sum(tokens_out) AS bigint) AS "tokensOut" FROM chat_usage
     WHERE owner = ? AND created_at >= ? AND created_at < ? GROUP BY model ORDER BY model`,
    [owner, since, before],
  );
  return rows.map((row) => usageRow.parse(row));
}

async function beginningOfAnswer(
  db: Statements,
  jobId: string,
  characters: number,
): Promise<string> {
  const rows = await db.all(
    `SELECT left(answer, CAST(? AS integer)) AS piece FROM
       (SELECT part, answer, sum(length(answer)) OVER (ORDER BY part) - length(answer) AS earlier
        FROM chat_parts WHERE job_id = ?) AS parts
     WHERE earlier < ? ORDER BY part`,
    [characters, jobId, characters],
  );
  return rows.map((row) => pieceRow.parse(row).piece).join("");
}
