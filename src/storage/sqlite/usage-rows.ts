import type { TurnOutcome } from "../../chat/thread.ts";
import type { Connection } from "./connection.ts";

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
