import type { Limits } from "../core/money.ts";
import type { Asking } from "../core/question.ts";
import type { QueryWord } from "../core/search-words.ts";
import type { DeletedJob, Deletions, DeletionWishes, DoomedFile } from "./deletion.ts";
import type { Job, JobPatch, JobState, Medium, WholeJob } from "./job.ts";
import type { JobFigures } from "./job-figures.ts";
import type { Held, Quotas } from "./quotas.ts";
import type { Verdict } from "./settlement.ts";
import type { Standing } from "./standing.ts";

/** Some time, in milliseconds since the epoch; all of it when absent. */
export interface TimeSpan {
  since?: number;
  before?: number;
}

export interface JobQuery {
  owner: string;
  /** That all must be found in a job; see `core/search-words.ts`. */
  words?: readonly QueryWord[] | undefined;
  /** When it was started. */
  span?: TimeSpan | undefined;
  states?: readonly JobState[] | undefined;
  operation?: string | undefined;
  limit: number;
  /** From the previous page. */
  cursor?: string | undefined;
}

/** A job in a list. */
export interface ListedJob extends Job {
  /** The beginning of what was asked; `null` where nothing of it is kept. */
  prompt: string | null;
}

export interface JobPage {
  jobs: ListedJob[];
  nextCursor: string | undefined;
}

export interface EndedPage {
  jobs: WholeJob[];
  /** Where the next page begins; `undefined` when there is none. */
  last: number | undefined;
}

/** What a new job is admitted by. */
export interface AdmissionRules {
  /** Buy even if an identical job was started a moment ago. */
  forceNew: boolean;
  limits: Limits;
  /** What an owner may have at a time; anything when absent. */
  quotas?: Quotas | undefined;
  /** The most that the call allows, in US dollars. */
  maxCostUsd?: number | undefined;
  /** What the user was asked, where they can be. */
  asking?: Asking | undefined;
  /** Its request was made elsewhere: it is recorded only where no job of anybody has or had that. */
  isFound?: boolean | undefined;
  now: number;
}

/** `duplicate`: an identical earlier job stands for the new one, which was not recorded. */
export type Admission = { kind: "new" } | { kind: "duplicate"; job: Job };

/** A step in a job's life. */
export interface Transition {
  /** The state that the job is thought to be in. */
  from: JobState;
  to: JobState;
  patch: JobPatch;
  now: number;
  /** Follows the job from now on; unchanged when absent. Ended jobs have no holder. */
  holder?: string | undefined;
  /**
   * The patch's request id was found, not answered to the job's own submit: the job moves on only
   * where no job of anybody has or had it.
   */
  isFound?: boolean | undefined;
}

/**
 * A process that follows jobs, and how often it has shown that it is alive: never, or not since
 * something was taken from it, where that is 0.
 */
export interface LeaseHolder {
  holder: string;
  beat: number;
}

/** Money by charge, in US dollars, over some jobs. */
export interface Sums {
  spentUsd: number;
  reservedUsd: number;
  uncertainUsd: number;
  /** Jobs that were or may have been charged. */
  jobs: number;
  /** Those of them without a known price. */
  unpriced: number;
}

export interface SpendingReport {
  /** Of the period, like the days and operations; the other two are of the calendar. */
  total: Sums;
  today: Sums;
  thisMonth: Sums;
  /** Newest first; days are UTC, as 2026-11-20. */
  byDay: ({ day: string } & Sums)[];
  byOperation: ({ operation: string } & Sums)[];
  /** Newest first. */
  byDayAndOperation: ({ day: string; operation: string } & Sums)[];
}

/**
 * What the rest of the program may ask of storage, however it stores. Every write is durable when
 * its promise resolves. All methods throw {storage} when the database cannot be used. What a job
 * was asked for is read by `get` alone; everything else gives summaries, whose size is bounded.
 *
 * What belongs to somebody is read and changed in the name of its owner only: to everybody else it
 * does not exist. What no owner asks for, processes do among themselves: sharing the jobs, hearing
 * of changes, forgetting.
 */
export interface JobStore {
  /**
   * A digest with a secret that only this store has, for what is compared and must not be guessed.
   * Always the same of the same text.
   */
  digest(text: string): Promise<string>;
  /**
   * Records a job unless an earlier one stands for it or a limit forbids it; all in one
   * transaction, so that processes racing for the same purchase or the last dollar cannot both win.
   * Limits are those of the rules, for all together where there are users, and the owner's own.
   * For a request that was found, the owner's job that has it stands.
   * @throws {over_budget} above a limit
   * @throws {rate_limited | storage} above a quota
   * @throws {invalid_input} when its idempotency key belongs to other arguments
   * @throws {not_found} when the job that would stand for it was deleted, or somebody else's has
   *   its request id
   * @throws {forbidden} when its owner is a user who was revoked
   */
  admit(job: WholeJob, holder: string, rules: AdmissionRules): Promise<Admission>;
  /**
   * The earlier job that {@link JobStore.admit} would let stand for this one.
   * @throws {invalid_input | not_found} as that does
   */
  findDuplicate(job: WholeJob, rules: AdmissionRules): Promise<Job | undefined>;
  /** What an owner's jobs have cost or may cost by now, and how that stands among all owners. */
  committed(owner: string, now: number): Promise<Standing>;
  /** How much an owner has by now of what quotas limit. */
  held(owner: string): Promise<Held>;
  /** A whole job, for the one that is looked at or sent. */
  get(owner: string, jobId: string): Promise<WholeJob | undefined>;
  findByRequestId(owner: string, requestId: string): Promise<Job | undefined>;
  /**
   * Whether a job of anybody has a request id, or had it when it was deleted: what one has bought,
   * nobody else may look up.
   */
  knowsRequest(requestId: string): Promise<boolean>;
  /** Whose a job is, for whoever comes with an address instead of a name; `undefined` for none. */
  ownerOf(jobId: string): Promise<string | undefined>;
  /**
   * Deletes ended jobs whose charge is settled, each whole or not at all: what they were asked for,
   * their words, addresses and files are in no answer any more, and their bytes go from the store
   * within seconds, at the latest with the last process that shares it. What money and the
   * protection against duplicates need stays, without words. With files, these are doomed.
   */
  delete(owner: string, jobIds: readonly string[], wishes: DeletionWishes): Promise<Deletions>;
  /** Whether an owner had a job of this id, or with this request id, that was deleted. */
  wasDeleted(owner: string, by: { jobId: string } | { requestId: string }): Promise<boolean>;
  /** Files of deleted jobs that are to go, whoever deleted these. */
  doomedFiles(): Promise<DoomedFile[]>;
  filesGone(files: readonly DoomedFile[]): Promise<void>;
  /** Jobs deleted since the last call by anyone but this store; cheap when there are none. */
  deletions(): Promise<DeletedJob[]>;
  /** Ended jobs that are no turns, of everybody, the oldest first, after the `last` of a page. */
  ended(after: number, limit: number): Promise<EndedPage>;
  /** Forgets by what duplicates of deleted jobs are told, once that protects from nothing any more. */
  forgetDuplicates(now: number): Promise<void>;
  /** Newest first. @throws {invalid_input} for a cursor that is not ours. */
  list(query: JobQuery): Promise<JobPage>;
  /**
   * How long an owner's newest jobs of an operation took from their record to their end, in
   * milliseconds: those that were started here and completed.
   * @param most how many are looked at.
   */
  durations(owner: string, operation: string, most: number): Promise<number[]>;
  /** Changes fields without changing the state. @throws {not_found} */
  patch(owner: string, jobId: string, patch: JobPatch, now: number): Promise<Job>;
  /**
   * As `patch`, if the job still is in the state it is thought to be in.
   * @returns `undefined`, with nothing changed, when it is not.
   */
  patchWhile(
    job: Pick<Job, "owner" | "jobId" | "state">,
    patch: JobPatch,
    now: number,
  ): Promise<Job | undefined>;
  /**
   * Changes a job's files, whatever others do with them meanwhile: what is recorded is what the
   * change makes of them as they are at that moment.
   * @throws {not_found}
   */
  amendMedia(
    owner: string,
    jobId: string,
    change: (media: readonly Medium[]) => readonly Medium[],
    now: number,
  ): Promise<Job>;
  /**
   * Moves a job on, if it still is in the state it is thought to be in.
   * @returns the job, or `undefined` when someone else was faster.
   */
  transition(owner: string, jobId: string, step: Transition): Promise<Job | undefined>;
  /**
   * Decides by hand on an uncertain charge, or corrects such a decision.
   * @returns `undefined`, with nothing changed, when the charge is neither uncertain (any more) nor
   *   was decided on by hand.
   */
  settle(owner: string, jobId: string, verdict: Verdict, now: number): Promise<Job | undefined>;
  /**
   * Shows that a holder is alive.
   * @param isWatching write even for a holder without jobs, because it watches the life of others.
   * @returns the ids of the unfinished jobs that it still holds; nothing, or all of them once more,
   *   where none was taken from it since the last time.
   */
  beat(holder: string, isWatching?: boolean): Promise<string[] | undefined>;
  /** The other processes that hold unfinished jobs, of those that `takeOver` may take. */
  otherHolders(
    holder: string,
    baseUrl: string | undefined,
    operations?: readonly string[],
  ): Promise<LeaseHolder[]>;
  /**
   * Takes over unfinished jobs of holders that are gone, and those without one: some of them at a
   * time, none when there are no more.
   * @param baseUrl only jobs sent there; all when absent.
   * @param operations jobs of these wherever they were sent.
   */
  takeOver(
    holder: string,
    gone: readonly string[],
    baseUrl: string | undefined,
    operations?: readonly string[],
  ): Promise<Job[]>;
  /** Gives all jobs back, at an orderly end. */
  release(holder: string): Promise<void>;
  /** Gives back some jobs before the end, but for those that are being sent. */
  leave(holder: string, jobIds: readonly string[]): Promise<void>;
  /** Jobs changed since the last call by anyone but this store; cheap when there are none. */
  changes(): Promise<Job[]>;
  /** Completed orphans that no answer has mentioned yet, the oldest first and some at a time. */
  untoldOrphans(owner: string): Promise<Job[]>;
  /** Notes that an answer that mentions these has left. */
  noteMentioned(owner: string, jobIds: readonly string[], now: number): Promise<void>;
  spending(owner: string, now: number, period?: TimeSpan): Promise<SpendingReport>;
  /** How the jobs of everybody stand, for whoever watches the program: no caller sees it. */
  figures(): Promise<JobFigures>;
  /**
   * Forgets jobs that ended so many days ago and whose cost is settled, except those that count
   * towards the cap of this month. Days are counted by the jobs as well as by the clock, so that a
   * clock that is ahead forgets nothing. What is left of deleted ones goes in the same way.
   * @returns how many.
   */
  forget(keepDays: number, now: number): Promise<number>;
  close(): Promise<void>;
}
