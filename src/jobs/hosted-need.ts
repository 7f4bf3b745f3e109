import { DAY_MS } from "../core/clock.ts";
import { isFinal, type Job } from "./job.ts";

/** How long the files of a job in doubt stay, and those of a start whose process is unknown. */
const IN_DOUBT_MS = DAY_MS;

/** A job's claim on hosted files. */
export interface HostedClaim {
  holder: string;
  claimedAt: number;
  /** `undefined` where it is not recorded. */
  job: Pick<Job, "state" | "charge" | "updatedAt"> | undefined;
}

/**
 * Whether the provider may still fetch a job's files. Of a job in doubt nobody knows whether it was
 * accepted, so they stay for a while: an accepted job without its files would be paid for nothing.
 */
export function needsHostedFiles(
  job: Pick<Job, "state" | "charge" | "updatedAt">,
  now: number,
): boolean {
  if (!isFinal(job.state)) return true;
  const isInDoubt = job.state === "unknown" && job.charge === "uncertain";
  return isInDoubt && now - job.updatedAt < IN_DOUBT_MS;
}

/** Whether a claim is over: its job has ended, or its start never came to be recorded. */
export function isOverdue(
  { job, holder, claimedAt }: HostedClaim,
  now: number,
  isGone: (holder: string) => boolean,
): boolean {
  return job ? !needsHostedFiles(job, now) : isGone(holder) || now - claimedAt > IN_DOUBT_MS;
}
