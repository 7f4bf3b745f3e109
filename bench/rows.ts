/** A line of the table. */
export interface Row {
  what: string;
  value: number;
  unit?: string;
  most?: number;
  least?: number;
  figures?: string;
}

export const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
export const us = (value: number) => `${value.toFixed(1)} µs`;
export const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** A target that was missed, or a figure that could not be taken. */
export function isMissed({
  value,
  most = Number.POSITIVE_INFINITY,
  least = Number.NEGATIVE_INFINITY,
}: Row): boolean {
  return !(value >= least && value <= most);
}

/** @param isBound whether a missed target is called one. */
export function line(row: Row, isBound: boolean): string {
  const { what, value, unit = "", most, least, figures = "" } = row;
  const target = most === undefined ? least && `≥ ${least}` : `≤ ${most}`;
  const missed = isBound && isMissed(row) ? " (missed)" : "";
  const measured = `${value.toFixed(value < 10 ? 2 : 0)}${unit}${missed}`;
  return `| ${what} | ${measured} | ${target ? target + unit : ""} | ${figures} |`;
}
