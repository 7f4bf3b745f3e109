import { AppError } from "../core/errors.ts";
import { exactUsd, formatUsd, type Limits, type PriceList } from "../core/money.ts";
import type { AnyOperation } from "../models/operation.ts";
import type { Job } from "./job.ts";

/** Money that has left or may leave, in US dollars, since the start of the UTC day and month. */
export interface Committed {
  todayUsd: number;
  thisMonthUsd: number;
}

/** Dollars per unit; `null` where no price is known. */
export function priceUsd(
  operation: Pick<AnyOperation, "name" | "price">,
  prices: PriceList,
): number | null {
  return prices[operation.name] ?? operation.price.usd;
}

/**
 * What a job will probably cost: price × pictures asked for. Whether pictures multiply the printed
 * price is documented nowhere, so this is an estimate.
 */
export function estimateUsd(
  operation: Pick<AnyOperation, "name" | "price">,
  pictures: number,
  prices: PriceList,
): number | null {
  const price = priceUsd(operation, prices);
  return price === null ? null : exactUsd(price * pictures);
}

/**
 * Decides on a start by what it would cost alone, before anything is recorded.
 * @throws {over_budget} above `maxCostUsd` or, without one, above the confirmation threshold; and
 *   for an unknown price where any limit is set.
 */
export function checkPrice(
  operation: Pick<AnyOperation, "name">,
  estimate: number | null,
  maxCostUsd: number | undefined,
  limits: Limits,
): void {
  if (estimate === null) {
    const limit = limitInForce(maxCostUsd, limits);
    if (limit === undefined) return;
    throw new AppError(
      "over_budget",
      `The price of ${operation.name} is not published, so ${limit} cannot be kept.`,
      {
        next: `Ask the user to set its price with LONGCAT_MCP_PRICES, such as {"${operation.name}": 0.05}; nothing was sent.`,
      },
    );
  }
  if (maxCostUsd !== undefined) {
    if (estimate <= maxCostUsd) return;
    throw new AppError(
      "over_budget",
      `It would cost about ${formatUsd(estimate)}, more than \`max_cost_usd\` allows (${formatUsd(maxCostUsd)}).`,
      {
        next: "Ask the user whether it may cost that much, or ask for fewer pictures or another model; nothing was sent.",
      },
    );
  }
  const { confirmAboveUsd } = limits;
  if (confirmAboveUsd !== undefined && estimate > confirmAboveUsd) {
    throw new AppError(
      "over_budget",
      `It would cost about ${formatUsd(estimate)}; above ${formatUsd(confirmAboveUsd)} a start must be confirmed.`,
      {
        next: `Ask the user. If they agree, call again with \`max_cost_usd: ${estimate}\`; nothing was sent.`,
      },
    );
  }
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
      `It would cost about ${formatUsd(estimate ?? 0)}, and ${formatUsd(used)} of the ${formatUsd(cap)} of ${name} are spent or reserved.`,
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

function limitInForce(maxCostUsd: number | undefined, limits: Limits): string | undefined {
  if (maxCostUsd !== undefined) return "`max_cost_usd`";
  if (limits.perDayUsd !== undefined) return "LONGCAT_MCP_BUDGET_USD_PER_DAY";
  if (limits.perMonthUsd !== undefined) return "LONGCAT_MCP_BUDGET_USD_PER_MONTH";
  return limits.confirmAboveUsd === undefined ? undefined : "LONGCAT_MCP_CONFIRM_ABOVE_USD";
}
