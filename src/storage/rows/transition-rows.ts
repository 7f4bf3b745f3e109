import { AppError } from "../../core/errors.ts";
import { canBecome, isFinal, type WholeJob } from "../../jobs/job.ts";
import type { Transition } from "../../jobs/job-store.ts";
import type { Column } from "./job-rows.ts";

/** What a step changes of a job, and in the columns beside it. */
export interface Step {
  change: Partial<WholeJob>;
  more: Record<string, Column>;
}

/** @throws {internal} for a step that no job takes */
export function stepOf({ from, to, patch, now, holder }: Transition): Step {
  if (!canBecome(from, to)) {
    throw new AppError("internal", `A job cannot go from ${from} to ${to}.`);
  }
  // An ended job is nobody's, so that one that goes on after all is free to be taken up.
  const lease = isFinal(to) ? { lease_holder: null } : holder ? { lease_holder: holder } : {};
  // What goes on after all is no longer as somebody settled it.
  const reopened = from === "unknown" ? { settled_at: null, cost_usd: null } : {};
  // Not a spread, which gives every job a shape of its own.
  const change = Object.assign({}, patch, { state: to, updatedAt: now });
  return { change, more: { ...lease, ...reopened } };
}
