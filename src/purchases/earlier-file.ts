import { canParseUrl } from "../core/can-parse-url.ts";
import { HOUR_MS } from "../core/clock.ts";
import type { EarlierFile } from "../inputs/named-picture.ts";
import { finishedFile } from "../jobs/finished-file.ts";
import type { Job } from "../jobs/job.ts";

/** For how long the provider surely serves what it has finished. */
const FRESH_MS = HOUR_MS;

/**
 * A finished file of a job, as an input of the next one.
 * @throws {not_found | invalid_input}
 */
export function earlierFile(
  job: Job,
  index: number,
  { now, trustedOrigins }: { now: number; trustedOrigins: readonly string[] },
): EarlierFile {
  const medium = finishedFile(job, index);
  const isRecent = job.completedAt !== null && now - job.completedAt < FRESH_MS;
  return {
    ref: medium.path,
    url: medium.url,
    isFresh: isRecent && isServed(medium.url, trustedOrigins),
    sha256: medium.sha256,
  };
}

/** Whether an address is the public's, or that of a provider on this machine that is still there. */
function isServed(url: string, trustedOrigins: readonly string[]): boolean {
  if (!canParseUrl(url)) return false;
  const { protocol, origin } = new URL(url);
  return protocol === "https:" || trustedOrigins.includes(origin);
}
