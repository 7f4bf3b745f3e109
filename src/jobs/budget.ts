import { AppError } from "../core/errors.ts";
import { exactUsd, formatUsd, type Limits } from "../core/money.ts";
import type { Job } from "./job.ts";

/** Money that has left or may leave, in US dollars, since the start of the UTC day and month. */
export interface Committed {
  todayUsd: number;
  thisMonthUsd: number;
}

/**
 * Decides on a start by what is committed already. Asked inside the transaction that records the
 * job, so that two processes cannot both take the last dollar.
 * @throws {over_budget}
 */
export function checkCaps(estimate: number | null, committed: Committed, limits: Limits): void {
  const caps = [
    { name: "LONGCAT_MCP_BUDGET_USD_PER_DAY", cap: limits.perDayUsd, used: committed.todayUsd },
    {
      name: "LONGCAT_MCP_BUDGET_USD_PER_MONTH",
      cap: limits.perMonthUsd,
      used: committed.thisMonthUsd,
    },
  ];
  for (const { name, cap, used } of caps) {
    if (cap === undefined || exactUsd(used + (estimate ?? 0)) <= cap) continue;
    throw new AppError(
      "over_budget",
      `It would cost about ${formatUsd(estimate ?? 0)}, and ${formatUsd(exactUsd(used))} of the ${formatUsd(cap)} of ${name} are spent or reserved.`,
      {
        next: "Ask the user what to do, whose limit it is; `spending` shows where the money went, and the period ends with the UTC day or month. Nothing was sent.",
      },
    );
  }
}

/** What a job counts as in `spending`, under its charge; `null` where no price is known. */
export function countedUsd(job: Pick<Job, "charge" | "costUsd" | "reservedUsd">): number | null {
  if (job.charge === "none") return 0;
  return job.charge === "spent" ? (job.costUsd ?? job.reservedUsd) : job.reservedUsd;
}

/** What is left of a cap; never below zero. */
export function leftUsd(cap: number | undefined, used: number): number | null {
  return cap === undefined ? null : Math.max(0, exactUsd(cap - used));
}

/** Start of the UTC day and month, in milliseconds since the epoch. */
export function periodStarts(now: number): { day: number; month: number } {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { day: Date.UTC(year, month, date.getUTCDate()), month: Date.UTC(year, month, 1) };
}
