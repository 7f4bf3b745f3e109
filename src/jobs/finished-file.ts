import { canParseUrl } from "../core/can-parse-url.ts";
import { HOUR_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { isFinal, type Job, type Medium } from "./job.ts";

/** A job's finished file by its number. @throws {not_found | invalid_input} */
export function finishedFile(job: Job, index: number): Medium {
  requireFiles(job);
  const medium = job.media.find((one) => one.index === index);
  if (medium) return medium;
  throw new AppError(
    "not_found",
    `${job.jobId} has ${job.media.length} files; there is no number ${index}.`,
  );
}

/** The files that the provider gave, without what was made of them here. @throws {invalid_input} */
export function ownFiles(job: Job): Medium[] {
  requireFiles(job);
  return job.media.filter((medium) => medium.role === undefined);
}

/** @throws {invalid_input} */
function requireFiles({ jobId, state, media }: Job): void {
  if (media.length > 0) return;
  if (isFinal(state)) throw new AppError("invalid_input", `${jobId} is ${state} and has no files.`);
  throw new AppError("invalid_input", `${jobId} is ${state} and has no files yet.`, {
    next: `Wait for it with \`job_status\`, job_id "${jobId}".`,
  });
}

/**
 * Whether the provider may still serve a finished file where it said: it surely does for an hour,
 * and nobody does any more where a sandbox was that is gone.
 * @param trustedOrigins of providers on this machine that are there
 */
export function mayBeServed(
  { completedAt, updatedAt }: Pick<Job, "completedAt" | "updatedAt">,
  url: string,
  { now, trustedOrigins }: { now: number; trustedOrigins: readonly string[] },
): boolean {
  if (now - (completedAt ?? updatedAt) >= HOUR_MS || !canParseUrl(url)) return false;
  const { hostname, origin } = new URL(url);
  return !isLoopbackHost(hostname) || trustedOrigins.includes(origin);
}
