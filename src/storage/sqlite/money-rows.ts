import { DAY_MS } from "../../core/clock.ts";
import { periodStarts } from "../../jobs/budget.ts";
import type { SpendingReport, TimeSpan } from "../../jobs/job-store.ts";
import type { Committed, Standing } from "../../jobs/standing.ts";
import { CHARGED_JOBS } from "../rows/job-rows.ts";
import { readCaps, readReport, readUsd } from "../rows/sum-rows.ts";
import type { Connection } from "./connection.ts";
import { dayOf, isUnpriced, usd } from "./money-tables.ts";

const EVER = Number.MAX_SAFE_INTEGER;
const SUMS = `
  total(CASE charge WHEN 'spent' THEN usd END) AS spentUsd,
  total(CASE charge WHEN 'reserved' THEN usd END) AS reservedUsd,
  total(CASE charge WHEN 'uncertain' THEN usd END) AS uncertainUsd,
  CAST(total(jobs) AS INTEGER) AS jobs,
  CAST(total(unpriced) AS INTEGER) AS unpriced`;
/** Of part of a day: takes an owner and two moments. */
const SOME_OF_DAY = `
  SELECT ${dayOf()} AS n, operation, charge, 1 AS jobs, ${isUnpriced()} AS unpriced, ${usd()} AS usd
  FROM ${CHARGED_JOBS} WHERE owner = ? AND created_at >= ? AND created_at < ? AND charge <> 'none'`;
/** Of a time: its whole days as they were added up, and what lies before and after these. */
const CHARGED = `(
  SELECT day AS n, operation, charge, jobs, unpriced, usd FROM money_days
  WHERE owner = ? AND day >= ? AND day < ?
  UNION ALL ${SOME_OF_DAY} UNION ALL ${SOME_OF_DAY})`;
const DAY = "date(n * 86400, 'unixepoch') AS day, ";

/** What an owner's jobs have cost and may still cost, by period and operation. */
export function spendingOf(
  connection: Connection,
  owner: string,
  now: number,
  period: TimeSpan = {},
): SpendingReport {
  const { day, month } = periodStarts(now);
  const { since = 0, before = EVER } = period;
  const rows = (select: string, more: string, from: number, to: number) =>
    connection.all(
      `SELECT ${select}${SUMS} FROM ${CHARGED} ${more}`,
      partsOf(from, to).flatMap((part) => [owner, ...part]),
    );
  const sums = (from: number, to: number) => rows("", "", from, to)[0];
  const each = "GROUP BY operation ORDER BY operation";
  return readReport({
    total: sums(since, before),
    today: sums(day, EVER),
    thisMonth: sums(month, EVER),
    byDay: rows(DAY, "GROUP BY n ORDER BY n DESC", since, before),
    byOperation: rows("operation, ", each, since, before),
    byDayAndOperation: rows(
      `${DAY}operation, `,
      "GROUP BY n, operation ORDER BY n DESC, operation",
      since,
      before,
    ),
  });
}

/** The whole days of a time, counted from 1970 on, and the moments between which the rest of it lies. */
function partsOf(from: number, to: number): [number, number][] {
  const [first, end] = [Math.ceil(from / DAY_MS), Math.floor(to / DAY_MS)];
  if (end < first)
    return [
      [0, 0],
      [from, to],
      [0, 0],
    ];
  return [
    [first, end],
    [from, first * DAY_MS],
    [end * DAY_MS, to],
  ];
}

/** How an owner stands. Within the transaction that decides by it. */
export function standingOf(connection: Connection, owner: string, now: number): Standing {
  const own = committedBy(connection, "owner = ? AND", [owner], now);
  const isShared = connection.all("SELECT 1 FROM closed LIMIT 1", []).length > 0;
  if (!isShared) return own;
  const [caps] = connection.all("SELECT per_day_usd, per_month_usd FROM users WHERE user_id = ?", [
    owner,
  ]);
  const all = committedBy(connection, "", [], now);
  return { ...own, shared: { all, caps: readCaps(caps) } };
}

/** Everything of some owners that was or may still be charged, today and this month. */
function committedBy(
  connection: Connection,
  whose: string,
  values: readonly string[],
  now: number,
): Committed {
  const { day, month } = periodStarts(now);
  const since = (start: number) => {
    const [row] = connection.all(
      `SELECT total(committed_usd) AS n FROM money_days WHERE ${whose} day >= ?`,
      [...values, start / DAY_MS],
    );
    return readUsd(row);
  };
  return { todayUsd: since(day), thisMonthUsd: since(month) };
}
