/** Limits that the user has set, in US dollars; absent ones do not limit. */
export interface Limits {
  perDayUsd: number | undefined;
  perMonthUsd: number | undefined;
  /** A dearer start must be allowed by the call itself. */
  confirmAboveUsd: number | undefined;
}

/** Prices by tool name: what the user says they are beats what is printed. */
export type PriceList = Readonly<Record<string, number>>;

const MICRODOLLARS = 1e6;

/** A sum of dollars without the noise of binary fractions. */
export function exactUsd(usd: number): number {
  return Math.round(usd * MICRODOLLARS) / MICRODOLLARS;
}

/** Two decimals, three where the third says something. */
export function formatUsd(usd: number): string {
  const text = usd.toFixed(3);
  return `$${text.endsWith("0") ? text.slice(0, -1) : text}`;
}
