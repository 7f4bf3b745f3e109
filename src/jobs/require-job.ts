import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { WholeJob } from "./job.ts";
import type { JobStore } from "./job-store.ts";

/** @throws {not_found} for a job that is not there, or another owner's. */
export async function requireJob(
  store: Pick<JobStore, "get">,
  owner: string,
  jobId: string,
): Promise<WholeJob> {
  const job = await store.get(owner, jobId);
  if (!job) throw new AppError("not_found", `There is no job \`${oneLine(jobId)}\`.`);
  return job;
}
