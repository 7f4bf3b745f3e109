import type { QueryWord } from "../core/search-words.ts";
import type { StoredText } from "../gateway/chat-body.ts";
import type { TimeSpan } from "../jobs/job-store.ts";
import type { Said, Thread, ThreadFile, Turn, TurnOutcome, TurnRequest } from "./thread.ts";

export interface NewTurn {
  jobId: string;
  threadId: string;
  request: TurnRequest;
  /** Of the thread, if it is new. */
  title: string;
  now: number;
}

/** A piece of a file's text as it stands inside a JSON string. */
export interface FilePiece {
  jobId: string;
  position: number;
  part: number;
  content: Uint8Array;
}

export interface PageWishes {
  /** Only turns before this one, by its `seq`; from the newest on when absent. */
  before: number | undefined;
  limit: number;
  /** How much of each text is read. */
  characters: number;
}

/** A turn without what can be large. */
export interface ShownTurn {
  seq: number;
  jobId: string;
  createdAt: number;
  model: string;
  /** The beginning, as of the answer. */
  prompt: string;
  answer: string;
  answerCharacters: number;
  reasoningCharacters: number;
  brokeOff: boolean;
  finishReason: string | null;
  /** The first of their names. */
  files: string[];
  fileCount: number;
}

export interface TurnPage {
  /** Oldest first. */
  turns: ShownTurn[];
  hasEarlier: boolean;
}

export interface ThreadPage {
  threads: Thread[];
  nextCursor: string | undefined;
}

/** What turns have used of a model; the asked one. */
export interface ModelUsage {
  model: string;
  tokensIn: number;
  tokensOut: number;
}

/** What came of the wish to delete a thread. */
export type Deletion =
  | { busyWith: string; keptFiles?: never }
  | { busyWith: undefined; keptFiles: string[] };

/**
 * Conversations: their turns, what was attached and what was answered, kept beside the jobs, however
 * that is. Every write is durable when its promise resolves. All methods throw {storage}.
 *
 * All that is somebody's is read and changed in the name of its owner only: to everybody else it
 * does not exist, and what they write to it comes to nothing.
 */
export interface ThreadStore {
  /** Ends turns whose job has ended, and removes what was never recorded and left behind. */
  sweep(now: number): Promise<void>;
  /**
   * Adds a turn to a thread, which is made if it is new. A thread has one turn under way at most,
   * whoever else may be adding one.
   * @returns the job of the turn that is under way instead, if there is one.
   * @throws {not_found} for another owner's thread
   */
  begin(owner: string, turn: NewTurn): Promise<{ busyWith: string | undefined }>;
  /** The job of a thread's turn that is under way, if there is one. */
  busyWith(owner: string, threadId: string, now: number): Promise<string | undefined>;
  /** Takes back a turn that will never be sent, and its thread if it was the only one. */
  takeBack(owner: string, jobId: string): Promise<void>;
  /**
   * Keeps what has newly come of an answer; the last part once more, with more in it, where nobody
   * knows whether that was kept. Whoever was frozen, and whose job another process has taken over
   * meanwhile, changes nothing any more, and nobody a turn that has ended; so with its end.
   */
  append(owner: string, jobId: string, part: number, said: Said): Promise<void>;
  /** Ends a turn; without an outcome where nothing came. */
  finish(
    owner: string,
    jobId: string,
    outcome: TurnOutcome | undefined,
    now: number,
  ): Promise<void>;
  turn(owner: string, jobId: string): Promise<Turn | undefined>;
  /** The newest turns of a thread before one of them, with the beginnings of their texts. */
  page(owner: string, threadId: string, wishes: PageWishes): Promise<TurnPage>;
  /** A thread's turns, oldest first, with all that was asked: for sending and for the whole page. */
  turns(owner: string, threadId: string): Promise<Turn[]>;
  said(owner: string, jobId: string): Promise<Said>;
  /**
   * What is attached to a thread, in the order in which it was. What a turn was about to attach is
   * not, until the turn is there: its process may have died in between.
   */
  files(owner: string, threadId: string): Promise<ThreadFile[]>;
  /**
   * Keeps pieces of files, and the files that are complete, in one go.
   * @throws {not_found} for another owner's thread
   */
  attach(
    owner: string,
    threadId: string,
    pieces: readonly FilePiece[],
    files: readonly ThreadFile[],
    now: number,
  ): Promise<void>;
  /** Forgets pieces of a file that turns out not to be kept. */
  detach(owner: string, jobId: string, position: number): Promise<void>;
  /** A file's text as it was attached, read piece by piece. */
  content(owner: string, file: ThreadFile): StoredText;
  thread(owner: string, threadId: string): Promise<Thread | undefined>;
  /**
   * Newest first.
   * @param words that all must be found in what was asked and attached; see `core/search-words.ts`.
   * @throws {invalid_input} for a cursor that is not ours.
   */
  list(
    owner: string,
    limit: number,
    cursor: string | undefined,
    words?: readonly QueryWord[],
  ): Promise<ThreadPage>;
  /** What the turns of a time have used, by model, also those whose thread was deleted since. */
  usage(owner: string, span: TimeSpan): Promise<ModelUsage[]>;
  /**
   * Deletes a thread with everything in it, and from its jobs what was asked and answered. Files of
   * answers stay where they are: they are the user's.
   * @returns the job that still writes to it, which keeps it from being deleted; or the files.
   */
  delete(owner: string, threadId: string, now: number): Promise<Deletion>;
}
