import { AppError } from "../core/errors.ts";
import { exactUsd, formatUsd, type Limits, type PriceList } from "../core/money.ts";
import type { AnyOperation } from "../models/operation.ts";

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

function limitInForce(maxCostUsd: number | undefined, limits: Limits): string | undefined {
  if (maxCostUsd !== undefined) return "`max_cost_usd`";
  if (limits.perDayUsd !== undefined) return "LONGCAT_MCP_BUDGET_USD_PER_DAY";
  if (limits.perMonthUsd !== undefined) return "LONGCAT_MCP_BUDGET_USD_PER_MONTH";
  return limits.confirmAboveUsd === undefined ? undefined : "LONGCAT_MCP_CONFIRM_ABOVE_USD";
}
