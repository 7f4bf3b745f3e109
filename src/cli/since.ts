import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";

const UNITS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The moment from which on something is wanted, in milliseconds since the epoch. Days are UTC, and
 * begin with their first moment, also where so many days ago are named.
 * @throws {invalid_input}
 */
export function readSince(text: string, now: number): number {
  const word = text.trim();
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  if (word === "today") return today;
  if (word === "yesterday") return today - DAY_MS;
  const [, count, unit] = /^(\d{1,5})([mhdw])$/.exec(word) ?? [];
  if (count !== undefined) {
    const isDays = unit === "d" || unit === "w";
    return (isDays ? today : now) - Number(count) * unitMs(unit);
  }
  const at = DAY.test(word) || MOMENT.test(word) ? Date.parse(word) : Number.NaN;
  // The calendar of some days moves on to the next month; such a day was not meant.
  const isReal = !DAY.test(word) || new Date(at || 0).toISOString().startsWith(word);
  if (!Number.isNaN(at) && isReal) return at;
  throw new AppError(
    "invalid_input",
    `"${oneLine(text, 60)}" is no time: --since takes a day (2026-11-20), a moment (2026-11-20T08:30Z), today, yesterday, or how long ago (30m, 12h, 7d, 4w). Days are UTC.`,
  );
}

function unitMs(unit: string | undefined): number {
  return unit === "m" || unit === "h" || unit === "w" ? UNITS[unit] : UNITS.d;
}
