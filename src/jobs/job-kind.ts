import type { Caller } from "../core/caller.ts";
import type { AppError } from "../core/errors.ts";
import type { Limits } from "../core/money.ts";
import type { Asking } from "../core/question.ts";
import type { Job, JobState, WholeJob } from "./job.ts";

/**
 * One try to send a job that is `submitting`. Whatever comes of it is recorded before it is over.
 * @returns the job as it has moved on, or why it was provably not taken and may be sent again.
 */
export type Send = (submitting: Job) => Promise<{ job: Job } | { notTaken: AppError }>;

/** What a kind decides of a job that is about to be recorded. */
export type JobPlan = Pick<
  WholeJob,
  "jobId" | "operation" | "threadId" | "input" | "wire" | "saveTo" | "charge" | "reservedUsd"
> & {
  /** Everything that would be sent, for telling a duplicate call. */
  identity: unknown;
  /** What the caller should know; may grow until the job is recorded. */
  warnings: string[];
};

/** What a job would send, for somebody who wants to know before. */
export interface Outline {
  url: string;
  /** Pictures and files by name and size. */
  body: unknown;
  /** What was read for it, a line each. */
  files: readonly string[];
  /** Why it would be refused though nothing is wrong with what is asked for. */
  refusals: readonly AppError[];
}

/** A job that is being made of what somebody asked for. */
export interface Draft {
  plan: JobPlan;
  /** What it must keep within. */
  limits: Limits;
  /**
   * Makes sure that its result could be kept, once it is known to be no duplicate. Changes nothing.
   * @throws when it must not be; nothing is sent
   */
  check(): Promise<void>;
  /**
   * Keeps what belongs to it, right before it is recorded.
   * @throws when that cannot be; nothing is sent
   */
  keep(): Promise<void>;
  outline(): Promise<Outline>;
  /** Hears how it ended. What was kept for a job that was not recorded is forgotten. */
  over(isRecorded: boolean): Promise<void>;
}

/** What every start can say beside what is asked for. */
export interface StartWishes {
  saveTo?: string | undefined;
  /** The most it may cost, in US dollars. */
  maxCostUsd?: number | undefined;
  /** One key, one job, however often and however late the call is repeated. */
  idempotencyKey?: string | undefined;
  /** Start another one even if an identical job was started a moment ago. */
  forceNew?: boolean | undefined;
  /** What the user was asked; absent where the client lets nobody be asked. */
  asking?: Asking | undefined;
}

/**
 * A kind of job: what is done with its jobs, where the life of all jobs leaves that open. Methods
 * that are given a job are called by the process that holds it, and record what comes of it.
 */
export interface JobKind {
  /** What its jobs have as their operation. */
  readonly operations: readonly string[];
  /** Where its jobs are sent. */
  readonly baseUrl: string;
  /** Only unfinished jobs that were sent there are taken over; all when absent. */
  readonly recoversAt: string | undefined;
  /** 1 for a real provider; smaller where a base on this machine runs faster. */
  readonly timeScale: number;
  /** The states in which its jobs can be asked to stop, beside those in which nothing was sent. */
  readonly stoppable?: readonly JobState[];
  /**
   * Reads what a queued job sends, so that nothing is left to fail while it is in flight.
   * @param leaving aborts where nothing is to be sent any more.
   * @returns `undefined` for a job that cannot be sent, which has been ended if it had to be.
   */
  load(queued: Job, leaving: AbortSignal): Promise<Send | undefined>;
  /**
   * Watches a running job until it ends or has files to fetch.
   * @param soon look at once, because its process was away.
   * @param goOn takes the job when it is `downloading`.
   */
  follow(running: Job, soon: boolean, goOn: (job: Job) => void): void;
  /** Brings home what a job has made, and completes it. */
  collect(downloading: Job): Promise<void>;
  /**
   * Decides what becomes of an unfinished job whose process is gone, and ends it where it must end.
   * @returns the job if it goes on.
   */
  recover(left: Job): Promise<Job | undefined>;
  /**
   * Brings back files of a completed job that are no longer where they were.
   * @throws {media_expired | bad_upstream_reply | not_found | storage}
   */
  restore(completed: WholeJob): Promise<WholeJob>;
  /** Hears that a job was cancelled before anything was sent. Must not throw. */
  withdrawn(cancelled: Job): Promise<void>;
  /** Lets go of all jobs but these, because other processes hold them now. */
  keepOnly(jobIds: ReadonlySet<string>): void;
  /** Looks at nothing any more. @returns the ids of what it has looked at. */
  stop(): string[];
}

/** A kind whose jobs are started here. */
export interface StartableKind<R extends StartWishes> extends JobKind {
  /**
   * @param isRehearsal nothing will come of it, so that nothing may be written or sent for it: it is
   *   read and checked alike.
   * @throws {invalid_input | not_found | storage} when no job can be made of it
   */
  draft(caller: Caller, request: R, isRehearsal: boolean): Promise<Draft>;
}

/** All kinds of jobs. */
export interface JobKinds {
  /** Those that are asked for their own operations only. */
  named: readonly JobKind[];
  /** Has all others, also of operations that only another version of the program knows. */
  other: JobKind;
}

export function kindOf(kinds: JobKinds, job: Pick<Job, "operation">): JobKind {
  return kinds.named.find((kind) => kind.operations.includes(job.operation)) ?? kinds.other;
}
