import * as z from "zod";
import { CHAT_FORMATS } from "../../gateway/chat-body.ts";

const requestSchema = z.object({
  prompt: z.string(),
  system: z.string().exactOptional(),
  model: z.string(),
  format: z.enum(CHAT_FORMATS),
  maxTokens: z.number().exactOptional(),
  temperature: z.number().exactOptional(),
  topP: z.number().exactOptional(),
  thinking: z.boolean().exactOptional(),
  /** Earlier turns that no longer fit and are not sent. */
  leftOut: z.array(z.number()).exactOptional(),
});
/** What was asked for, as it will be sent. */
export type TurnRequest = z.output<typeof requestSchema>;

const outcomeSchema = z.object({
  /** The model that says it has answered. */
  model: z.string().exactOptional(),
  /** In the provider's own word. */
  finishReason: z.string().exactOptional(),
  inputTokens: z.number().exactOptional(),
  outputTokens: z.number().exactOptional(),
  /** The answer broke off, and this is why. */
  brokeOff: z.string().exactOptional(),
  /** The stream ended without the provider saying that this is the end. */
  unmarked: z.boolean().exactOptional(),
});
/** How an answer ended. */
export type TurnOutcome = z.output<typeof outcomeSchema>;

export interface Turn {
  seq: number;
  jobId: string;
  threadId: string;
  request: TurnRequest;
  /** Absent while it is under way, and where nothing ever came. */
  outcome: TurnOutcome | undefined;
  isOpen: boolean;
  createdAt: number;
}

/** What the delegate has said, cleaned of what should not be shown. */
export interface Said {
  answer: string;
  reasoning: string;
}

export interface ThreadFile {
  jobId: string;
  position: number;
  name: string;
  sha256: string;
  sizeBytes: number;
  jsonBytes: number;
  tokens: number;
}

export interface Thread {
  threadId: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  turns: number;
  files: number;
}

/** What came of the wish to delete a thread. */
export type Deletion =
  | { busyWith: string; keptFiles?: never }
  | { busyWith: undefined; keptFiles: string[] };

export interface ThreadPage {
  threads: Thread[];
  nextCursor: string | undefined;
}

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
export const unfinishedRow = z.object({ unfinished: z.number() });
