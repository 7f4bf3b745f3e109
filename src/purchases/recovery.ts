import { AppError } from "../core/errors.ts";
import type { Job, JobState } from "../jobs/job.ts";
import { tooLateToSend } from "../jobs/sending.ts";
import { errorOf, moveSurely } from "../jobs/transitions.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/**
 * Decides what becomes of a purchase whose process is gone, and ends it where it must end.
 * @returns whether it goes on.
 */
export async function recoverPurchase(context: PurchaseContext, job: Job): Promise<boolean> {
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
  const late = tooLateToSend(job, now);
  return late ? end("cancelled", "none", late) : true;
}
