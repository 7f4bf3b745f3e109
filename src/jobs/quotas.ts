import { AppError } from "../core/errors.ts";
import { byteCount } from "../core/text.ts";

/** Nobody knows when a job ends; many do within some seconds. */
const RETRY_SECONDS = 10;

/** How much one of several owners may have at a time; absent ones do not limit. */
export interface Quotas {
  /** Jobs that have not ended. */
  runningJobs: number | undefined;
  /** Bytes of finished files. */
  keptBytes: number | undefined;
}

/** What an owner has by now. */
export interface Held {
  runningJobs: number;
  keptBytes: number;
}

/**
 * Why an owner may start nothing more at the moment. Asked before anything is bought: what was
 * bought is kept, however much it is.
 */
export function quotaRefusal(held: Held, quotas: Quotas): AppError | undefined {
  const { runningJobs, keptBytes } = quotas;
  if (runningJobs !== undefined && held.runningJobs >= runningJobs) {
    return new AppError(
      "rate_limited",
      `${held.runningJobs} jobs of this user have not ended, and one user may have no more than ${runningJobs} (LONGCAT_MCP_MAX_RUNNING_JOBS_PER_USER).`,
      {
        next: `Call again in ${RETRY_SECONDS} s, or once one of them has ended; \`job_list\` shows them. Nothing was sent.`,
        retryAfterMs: RETRY_SECONDS * 1000,
      },
    );
  }
  if (keptBytes !== undefined && held.keptBytes >= keptBytes) {
    return new AppError(
      "storage",
      `The finished files of this user have ${byteCount(held.keptBytes)}, and no more is bought from ${byteCount(keptBytes)} on (LONGCAT_MCP_KEPT_BYTES_PER_USER).`,
      {
        next: "Delete what is not needed: `job_delete` with `files: true`. Nothing was sent.",
      },
    );
  }
  return undefined;
}
