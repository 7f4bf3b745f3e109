import { DAY_MS } from "../core/clock.ts";
import { CHAT_FORMATS, type ChatFormat } from "../gateway/chat-body.ts";
import { isFinal, type JobState } from "../jobs/job.ts";

/** A turn whose job was not recorded within this time: its process died in between. */
const STALE_MS = 60_000;
/** What no turn speaks for is kept for so long, because its turn may still come. */
export const LEFT_BEHIND_MS = DAY_MS;

export const TURN_FORMATS = CHAT_FORMATS;

/** What was asked for, as it will be sent. */
export interface TurnRequest {
  prompt: string;
  system?: string;
  model: string;
  format: ChatFormat;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  thinking?: boolean;
  /** Earlier turns that no longer fit and are not sent. */
  leftOut?: number[];
}

/** How an answer ended. */
export interface TurnOutcome {
  /** The model that says it has answered. */
  model?: string;
  /** In the provider's own word. */
  finishReason?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** The answer broke off, and this is why. */
  brokeOff?: string;
  /** The stream ended without the provider saying that this is the end. */
  unmarked?: boolean;
}

export interface Turn {
  /** Counts up within a thread. */
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

/** A text that is attached to a thread. */
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

/**
 * Whether an open turn keeps its thread busy.
 * @param state of its job; `undefined` where that is not recorded.
 */
export function isUnderWay(
  turn: Pick<Turn, "createdAt">,
  state: JobState | undefined,
  now: number,
): boolean {
  return state === undefined ? now - turn.createdAt < STALE_MS : !isFinal(state);
}
