import * as z from "zod";
import { type Thread, type ThreadFile, TURN_FORMATS, type Turn } from "../../chat/thread.ts";
import { JOB_STATES } from "../../jobs/job.ts";

/** As SQL, of an owner: the threads that are theirs. */
export const THREADS_OF = "(SELECT thread_id FROM chat_threads WHERE owner = ?)";
/**
 * As SQL, of a job and an owner: nobody else has a turn of this job. What is attached is there
 * before its turn is, and then it is known to whoever has made the job's id up.
 */
export const NOT_ANOTHERS = `NOT EXISTS (SELECT 1 FROM chat_turns JOIN chat_threads USING (thread_id)
  WHERE chat_turns.job_id = ? AND owner <> ?)`;
/** As SQL: the columns of {@link threadRow}. */
export const THREAD_COLUMNS = `thread_id, title, latest, created_at, updated_at,
  (SELECT count(*) FROM chat_turns WHERE chat_turns.thread_id = chat_threads.thread_id) AS turns,
  (SELECT count(*) FROM chat_files JOIN chat_turns USING (job_id)
   WHERE chat_files.thread_id = chat_threads.thread_id) AS files`;

/** How many attached files of one turn a page names. */
export const NAMED_FILES = 20;

const requestSchema = z.object({
  prompt: z.string(),
  system: z.string().exactOptional(),
  model: z.string(),
  format: z.enum(TURN_FORMATS),
  maxTokens: z.number().exactOptional(),
  temperature: z.number().exactOptional(),
  topP: z.number().exactOptional(),
  thinking: z.boolean().exactOptional(),
  leftOut: z.array(z.number()).exactOptional(),
});
const outcomeSchema = z.object({
  model: z.string().exactOptional(),
  finishReason: z.string().exactOptional(),
  inputTokens: z.number().exactOptional(),
  outputTokens: z.number().exactOptional(),
  brokeOff: z.string().exactOptional(),
  unmarked: z.boolean().exactOptional(),
});
export const turnRow = z
  .object({
    seq: z.number(),
    job_id: z.string(),
    thread_id: z.string(),
    request: z.string().transform((json) => requestSchema.parse(JSON.parse(json))),
    outcome: z
      .string()
      .transform((json) => outcomeSchema.parse(JSON.parse(json)))
      .nullable(),
    is_open: z.number(),
    created_at: z.number(),
  })
  .transform(
    (row): Turn => ({
      seq: row.seq,
      jobId: row.job_id,
      threadId: row.thread_id,
      request: row.request,
      outcome: row.outcome ?? undefined,
      isOpen: row.is_open === 1,
      createdAt: row.created_at,
    }),
  );

export const fileRow = z
  .object({
    job_id: z.string(),
    position: z.number(),
    name: z.string(),
    sha256: z.string(),
    size_bytes: z.number(),
    json_bytes: z.number(),
    tokens: z.number(),
  })
  .transform(
    (row): ThreadFile => ({
      jobId: row.job_id,
      position: row.position,
      name: row.name,
      sha256: row.sha256,
      sizeBytes: row.size_bytes,
      jsonBytes: row.json_bytes,
      tokens: row.tokens,
    }),
  );

export const threadRow = z
  .object({
    thread_id: z.string(),
    title: z.string(),
    latest: z.number(),
    created_at: z.number(),
    updated_at: z.number(),
    turns: z.number(),
    files: z.number(),
  })
  .transform(({ latest, ...row }) => ({
    latest,
    thread: {
      threadId: row.thread_id,
      title: row.title,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      turns: row.turns,
      files: row.files,
    } satisfies Thread,
  }));

export const saidRow = z.object({ answer: z.string(), reasoning: z.string() });
export const partRow = z.object({ content: z.instanceof(Uint8Array) });
export const keptRow = z.object({
  path: z.string(),
  copies: z.string().transform((json) => z.array(z.string()).parse(JSON.parse(json))),
});
export const stateRow = z.object({ state: z.enum(JOB_STATES) });
export const ownerRow = z.object({ owner: z.string() });

/** A turn as a page shows it, before its answer and files are read. */
export const shownTurnRow = z.object({
  seq: z.number(),
  jobId: z.string(),
  createdAt: z.number(),
  model: z.string(),
  prompt: z.string(),
  answerCharacters: z.number(),
  reasoningCharacters: z.number(),
  brokeOff: z.number().transform((value) => value !== 0),
  finishReason: z.string().nullable(),
  fileCount: z.number(),
});
