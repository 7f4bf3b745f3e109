import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import type { JobKind } from "./job-kind.ts";
import { move } from "./transitions.ts";

/**
 * Lets a job go on whose files are there at the provider and could not be kept. Nothing is sent, and
 * nothing changes of what it has cost; from then on it is a job as any other that is fetched, which
 * others take over where this process ends.
 * @returns `undefined` when someone else was faster.
 * @throws {configuration} where nobody here would follow it
 */
export async function fetchAgain(
  context: JobContext,
  job: Job,
  kind: Pick<JobKind, "baseUrl">,
): Promise<Job | undefined> {
  if (job.baseUrl !== kind.baseUrl) {
    throw new AppError(
      "configuration",
      `${job.jobId} was bought at ${oneLine(job.baseUrl)}, and this server buys at ${oneLine(kind.baseUrl)}: its files are fetched by a server that buys there.`,
    );
  }
  const patch = { error: null, completedAt: null, deliveredAt: null };
  return move(context, job, "downloading", patch);
}
