/** What may be spent in a UTC day and month, in US dollars; absent ones do not limit. */
export interface Caps {
  perDayUsd: number | undefined;
  perMonthUsd: number | undefined;
}

/** Limits that the user has set, in US dollars; where several use the server, for all together. */
export interface Limits extends Caps {
  /** A dearer start must be allowed by the call itself. */
  confirmAboveUsd: number | undefined;
}

/** Prices by tool name: what the user says they are beats what is printed. */
export type PriceList = Readonly<Record<string, number>>;

/** Of a US dollar. */
export const MICRODOLLARS = 1_000_000;

/** A sum of dollars without the noise of binary fractions; nothing has no sign. */
export function exactUsd(usd: number): number {
  return Math.round(usd * MICRODOLLARS) / MICRODOLLARS + 0;
}

/** More than any price has, and fewer than binary fractions are wrong in. */
const DIGITS = 12;
const [FEWEST_DECIMALS, MOST_DECIMALS] = [2, 20];

/**
 * A sum as it is, with two decimals at least: rounded, two that differ may look the same. What binary
 * fractions add to it is left out.
 */
export function formatUsd(usd: number): string {
  const decimals = DIGITS - 1 - Math.floor(Math.log10(Math.abs(usd)));
  const within = Math.min(Math.max(decimals, FEWEST_DECIMALS), MOST_DECIMALS);
  return `$${usd.toFixed(within).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
}
