import * as z from "zod";
import type { TurnOutcome } from "../../chat/thread.ts";
import type { ModelUsage } from "../../chat/thread-store.ts";
import type { TimeSpan } from "../../jobs/job-store.ts";
import type { Connection } from "./connection.ts";

const usageRow = z.object({ model: z.string(), tokensIn: z.number(), tokensOut: z.number() });

/** What an owner's turns of a time have used, by model. */
export function usageOf(db: Connection, owner: string, span: TimeSpan): ModelUsage[] {
  const { since = 0, before = Number.MAX_SAFE_INTEGER } = span;
  return db
    .all(
      `SELECT model, sum(tokens_in) AS tokensIn, sum(tokens_out) AS tokensOut FROM chat_usage
       WHERE owner = ? AND created_at >= ? AND created_at < ? GROUP BY model ORDER BY model`,
      [owner, since, before],
    )
    .map((row) => usageRow.parse(row));
}

/** Keeps what a turn has used, for longer than its thread. Within a transaction. */
export function noteUsage(
  db: Connection,
  owner: string,
  jobId: string,
  { inputTokens, outputTokens }: TurnOutcome,
): void {
  if (inputTokens === undefined && outputTokens === undefined) return;
  db.run(
    `INSERT INTO chat_usage (job_id, owner, created_at, model, tokens_in, tokens_out)
     SELECT job_id, owner, chat_turns.created_at, request ->> 'model', ?, ?
     FROM chat_turns JOIN chat_threads USING (thread_id) WHERE job_id = ? AND owner = ?
     ON CONFLICT (job_id)
     DO UPDATE SET tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out`,
    [inputTokens ?? 0, outputTokens ?? 0, jobId, owner],
  );
}
