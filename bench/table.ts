import { isMissed, type Row } from "./rows.ts";

const BEGIN = "<!-- bench -->";
const END = "<!-- /bench -->";
const HEAD = "| What | Measured | Spread | Target | Figures |\n| --- | --- | --- | --- | --- |";

/** A row of several runs. */
export interface Measured {
  /** Of the run in the middle. */
  row: Row;
  lowest: number;
  highest: number;
}

/** What was measured several times: of each row the run in the middle, and how far the others lie. */
export function middle(runs: readonly (readonly Row[])[]): Measured[] {
  const [first = []] = runs;
  return first.map(({ what }, place) => {
    const rows = runs
      .flatMap((run) => run.slice(place, place + 1))
      .toSorted((a, b) => a.value - b.value);
    const row = rows[Math.floor(rows.length / 2)] ?? { what, value: Number.NaN };
    const values = rows.map(({ value }) => value);
    return { row, lowest: Math.min(...values), highest: Math.max(...values) };
  });
}

/**
 * Markdown of what was measured.
 * @param isBound whether a missed target is called one.
 */
export function tableOf(measured: readonly Measured[], isBound: boolean): string {
  return [HEAD, ...measured.map((one) => line(one, isBound))].join("\n");
}

/** @returns a page with another table, and what is said of where it was measured. */
export function pageWith(page: string, where: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  const before = page.slice(0, begin + BEGIN.length);
  return `${before}\n\n${where}\n\n${table}\n\n${page.slice(end)}`;
}

function line({ row, lowest, highest }: Measured, isBound: boolean): string {
  const { what, value, unit = "", most, least, figures = "" } = row;
  const bound = most === undefined ? least && `≥ ${least}` : `≤ ${most}`;
  const missed = isBound && isMissed(row) ? " (missed)" : "";
  const spread = lowest === highest ? "" : `${shown(lowest)}–${shown(highest)}${unit}`;
  const target = bound ? bound + unit : "";
  return `| ${what} | ${shown(value)}${unit}${missed} | ${spread} | ${target} | ${figures} |`;
}

function shown(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}
