import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const AGO = /^(\d{1,4})([dw])$/i;

/** Whole UTC days, in milliseconds since the epoch; `before` is the first moment after them. */
export interface Period {
  since: number;
  before: number;
}

/**
 * The period that `since` and `until` name; by default this month up to and with today.
 * @throws {invalid_input}
 */
export function readPeriod(
  since: string | undefined,
  until: string | undefined,
  now: number,
): Period {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const date = new Date(now);
  const month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const last = until === undefined ? today : dayOf(until, "until", today);
  const usual = Math.min(month, last);
  const first = since === undefined ? usual : dayOf(since, "since", today);
  if (first <= last) return { since: first, before: last + DAY_MS };
  throw new AppError(
    "invalid_input",
    `\`since\` (${isoDay(first)}) is after \`until\` (${isoDay(last)}).`,
  );
}

/** As 2026-11-20. */
export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function dayOf(text: string, name: string, today: number): number {
  const word = text.trim().toLowerCase();
  if (word === "today") return today;
  if (word === "yesterday") return today - DAY_MS;
  const [, count, unit] = AGO.exec(word) ?? [];
  if (count !== undefined) return today - Number(count) * (unit === "w" ? 7 : 1) * DAY_MS;
  const [, year, month, day] = DATE.exec(word) ?? [];
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // The calendar moves 30 February on to March; such a day was not meant.
  if (year !== undefined && isoDay(at) === word) return at;
  throw new AppError(
    "invalid_input",
    `\`${name}\`: "${oneLine(text, 60)}" is no day. Give a date such as 2026-11-20, \`today\`, \`yesterday\`, \`7d\` or \`4w\`.`,
  );
}
