import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const AGO = /^(\d{1,4})([dw])$/;
const SPAN = /^(this|last)[ _](week|month)$/;

/** Whole UTC days, in milliseconds since the epoch; `before` is the first moment after them. */
export interface Period {
  since: number;
  before: number;
}

/** A day, or the days that some words name, by their first moments. */
interface Days {
  first: number;
  last: number;
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
  const { since: first, before = 0 } = readSpan(since, until ?? "today", now);
  return { since: first ?? Math.min(monthOf(now, 0), before - DAY_MS), before };
}

/**
 * As {@link readPeriod}, open at the side that is not named.
 * @throws {invalid_input}
 */
export function readSpan(
  since: string | undefined,
  until: string | undefined,
  now: number,
): Partial<Period> {
  const first = since === undefined ? undefined : daysOf(since, "since", now).first;
  const last = until === undefined ? undefined : daysOf(until, "until", now).last;
  if (first !== undefined && first > (last ?? Number.POSITIVE_INFINITY)) {
    throw new AppError(
      "invalid_input",
      `\`since\` (${isoDay(first)}) is after \`until\` (${isoDay(last ?? first)}).`,
      { next: `Days are UTC, and today is ${isoDay(now)}. Give them the other way round.` },
    );
  }
  return {
    ...(first === undefined ? {} : { since: first }),
    ...(last === undefined ? {} : { before: last + DAY_MS }),
  };
}

/** As 2026-11-20. */
export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function daysOf(text: string, name: string, now: number): Days {
  const today = dayAt(now);
  const word = text.trim().toLowerCase();
  const one = (day: number): Days => ({ first: day, last: day });
  if (word === "today") return one(today);
  if (word === "yesterday") return one(today - DAY_MS);
  const [, count, unit] = AGO.exec(word) ?? [];
  if (count !== undefined) return one(today - Number(count) * (unit === "w" ? 7 : 1) * DAY_MS);
  const [, which, span] = SPAN.exec(word) ?? [];
  if (span === "week") return weekOf(today, which === "last" ? 1 : 0);
  if (span === "month") {
    const back = which === "last" ? 1 : 0;
    return { first: monthOf(today, back), last: monthOf(today, back - 1) - DAY_MS };
  }
  const [, year, month, day] = DATE.exec(word) ?? [];
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // The calendar moves 30 February on to March; such a day was not meant.
  if (year !== undefined && isoDay(at) === word) return one(at);
  throw new AppError(
    "invalid_input",
    `\`${name}\`: "${oneLine(text, 60)}" is no day. Give a date such as 2026-11-20, \`today\`, \`yesterday\`, \`7d\`, \`4w\`, \`this week\` or \`last month\`; days are UTC.`,
  );
}

function dayAt(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/** Weeks begin on Monday. */
function weekOf(today: number, back: number): Days {
  const sinceMonday = (new Date(today).getUTCDay() + 6) % 7;
  const first = today - (sinceMonday + 7 * back) * DAY_MS;
  return { first, last: first + 6 * DAY_MS };
}

/** The first moment of a month. */
function monthOf(ms: number, back: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back, 1);
}
