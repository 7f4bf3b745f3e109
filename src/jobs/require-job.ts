import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { WholeJob } from "./job.ts";
import type { JobStore } from "./job-store.ts";

const GONE = "Nothing of it is here any more; `job_list` shows the jobs that are.";

/** @throws {not_found} for a job that is not there, another owner's, or deleted, which is said. */
export async function requireJob(
  store: Pick<JobStore, "get" | "wasDeleted">,
  owner: string,
  jobId: string,
): Promise<WholeJob> {
  const job = await store.get(owner, jobId);
  if (job) return job;
  const name = `\`${oneLine(jobId)}\``;
  throw (await store.wasDeleted(owner, { jobId }))
    ? new AppError("not_found", `The job ${name} was deleted.`, { next: GONE })
    : noSuchJob(jobId);
}

export function noSuchJob(jobId: string): AppError {
  return new AppError("not_found", `There is no job \`${oneLine(jobId)}\`.`);
}
