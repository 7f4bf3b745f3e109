import { AppError } from "../core/errors.ts";
import type { Job } from "./job.ts";
import type { JobStore } from "./job-store.ts";
import { requireJob } from "./require-job.ts";
import type { Verdict } from "./settlement.ts";

/**
 * Settles what an uncertain job has cost, by somebody's hand: a person's, never an assistant's.
 * @returns the job as it is then. @throws {not_found | invalid_input} with nothing changed
 */
export async function settleByHand(
  store: Pick<JobStore, "get" | "settle" | "wasDeleted">,
  owner: string,
  jobId: string,
  verdict: Verdict,
  now: number,
): Promise<Job> {
  await requireJob(store, owner, jobId);
  const settled = await store.settle(owner, jobId, verdict, now);
  if (settled) return settled;
  const { state, charge } = await requireJob(store, owner, jobId);
  throw new AppError(
    "invalid_input",
    `${jobId} is not in doubt: it is ${state} and its charge is "${charge}". Nothing was changed.`,
  );
}
