import { AppError } from "../core/errors.ts";
import { type Charge, isFinal, type Job } from "./job.ts";
import { SETTLED_CHARGES } from "./retention.ts";

/** What can still be told of a job that was deleted. */
export interface DeletedJob {
  owner: string;
  jobId: string;
  /** The numbers that its files had. */
  indexes: number[];
}

/** A file that is to go, because its job was deleted with its files. */
export interface DoomedFile {
  owner: string;
  jobId: string;
  /** What the media store calls it. */
  ref: string;
}

export interface DeletionWishes {
  /** Whether its files in the media store go as well; copies elsewhere stay. */
  withFiles: boolean;
  now: number;
}

/** What came of the wish to delete some jobs. */
export interface Deletions {
  /** As they were. */
  deleted: Job[];
  /** Why the others stay: {not_found | invalid_input}, one for each. */
  refused: AppError[];
}

/** @returns why a job cannot be deleted now. @param hasThread whether it is a turn of a thread that is there. */
export function whyNotDeleted(
  { jobId, state, charge, threadId }: Job,
  hasThread: boolean,
): AppError | undefined {
  if (hasThread) {
    return refusal(
      `${jobId} is a turn of ${threadId}, and is deleted with it.`,
      `\`chat_threads\` with action "delete" and thread_id "${threadId}" deletes the whole thread.`,
    );
  }
  if (!isFinal(state)) {
    return refusal(
      `${jobId} is ${state}, and only what has ended is deleted.`,
      state === "queued"
        ? "`job_cancel` stops it, because nothing was sent yet; then delete it."
        : "The provider has no way to cancel it: wait for its end with `job_status`, then delete it.",
    );
  }
  if (SETTLED_CHARGES.includes(charge)) return undefined;
  return refusal(
    `${jobId} may have been charged, and nobody knows it yet: without it nobody could find out.`,
    `Ask the user to look into the provider's console; \`longcat-mcp jobs settle ${jobId} charged\` (or not-charged) settles it. Then delete it.`,
  );
}

/**
 * What is said of the charge of a job whose owner is erased: nobody will look at it any more. What
 * was not sent costs nothing, because without its record it never is.
 */
export function chargeLeftBehind({ state, charge }: Pick<Job, "state" | "charge">): Charge {
  if (charge !== "reserved") return charge;
  return state === "queued" ? "none" : "uncertain";
}

/** @returns a listener's view of a job that is deleted. */
export function deletedJob({ owner, jobId, media }: Job): DeletedJob {
  return { owner, jobId, indexes: media.map(({ index }) => index) };
}

function refusal(message: string, next: string): AppError {
  return new AppError("invalid_input", message, { next: `${next} Nothing was deleted.` });
}
