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
