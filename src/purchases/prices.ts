import { exactUsd, type PriceList } from "../core/money.ts";
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
