import { DAY_MS } from "../core/clock.ts";
import { periodStarts } from "./budget.ts";
import type { Charge } from "./job.ts";

/** Charges of which nothing more will be known; jobs with another are never forgotten. */
export const SETTLED_CHARGES: readonly Charge[] = ["none", "spent"];

/** A job that is so much older than the newest one has surely come before today. */
export const SURELY_PAST_MS = DAY_MS;

/**
 * Ended jobs are forgotten that were last changed before this time. Days are counted by the jobs as
 * well as by the clock, so that a clock that is ahead forgets nothing; and what counts towards the
 * cap of this month stays.
 * @param surelyPast when the newest job was started but those within {@link SURELY_PAST_MS} of the
 *   newest of all.
 */
export function forgottenBefore(keepDays: number, now: number, surelyPast: number): number {
  return Math.min(Math.min(now, surelyPast) - keepDays * DAY_MS, periodStarts(now).month);
}
