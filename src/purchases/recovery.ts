import { AppError } from "../core/errors.ts";
import type { JobContext } from "../jobs/context.ts";
import type { Job, JobState } from "../jobs/job.ts";
import { MAX_WAIT_TO_SUBMIT_MS } from "../jobs/sending.ts";
import { errorOf, moveSurely } from "../jobs/transitions.ts";

/**
 * Decides what becomes of a purchase whose process is gone, and ends it where it must end.
 * @returns whether it goes on.
 */
export async function recoverPurchase(context: JobContext, job: Job): Promise<boolean> {
  const now = context.clock.now();
  const end = async (state: JobState, charge: Job["charge"], error: AppError) => {
    const patch = { charge, error: errorOf(error), completedAt: now, wire: null };
    await moveSurely(context, job, state, patch);
    return false;
  };
  if (job.baseUrl !== context.baseUrl) {
    const message = "It ran on a sandbox that has ended.";
    const state = job.state === "queued" ? "cancelled" : "errored";
    return end(state, "none", new AppError("upstream_unavailable", message));
  }
  if (job.state === "submitting") {
    const message = "The server stopped while the request was in flight.";
    return end("unknown", "uncertain", new AppError("outcome_unknown", message));
  }
  if (job.state === "queued" && now - job.createdAt >= MAX_WAIT_TO_SUBMIT_MS) {
    const message =
      "It was recorded but not sent when the server stopped, more than ten minutes ago.";
    return end("cancelled", "none", new AppError("cancelled", message));
  }
  return true;
}
