import { type Committed, periodStarts, type Standing } from "../../jobs/budget.ts";
import type { SpendingReport, TimeSpan } from "../../jobs/job-store.ts";
import { CHARGED_JOBS } from "../rows/job-rows.ts";
import { readCaps, readReport, readUsd } from "../rows/sum-rows.ts";
import type { Connection } from "./connection.ts";

const CHARGED = "charge <> 'none'";
const SUMS = `
  total(CASE charge WHEN 'spent' THEN coalesce(cost_usd, reserved_usd) END) AS spentUsd,
  total(CASE charge WHEN 'reserved' THEN reserved_usd END) AS reservedUsd,
  total(CASE charge WHEN 'uncertain' THEN reserved_usd END) AS uncertainUsd,
  count(*) AS jobs,
  count(*) FILTER (WHERE coalesce(cost_usd, reserved_usd) IS NULL) AS unpriced`;

/** What an owner's jobs have cost and may still cost, by period and operation. */
export function spendingOf(
  connection: Connection,
  owner: string,
  now: number,
  period: TimeSpan = {},
): SpendingReport {
  const { day, month } = periodStarts(now);
  const { since = 0, before = Number.MAX_SAFE_INTEGER } = period;
  const within = `owner = ? AND created_at >= ? AND created_at < ? AND ${CHARGED}`;
  const rows = (select: string, more: string, from: number, to: number) =>
    connection.all(`SELECT ${select}${SUMS} FROM ${CHARGED_JOBS} WHERE ${within} ${more}`, [
      owner,
      from,
      to,
    ]);
  const sums = (from: number, to: number) => rows("", "", from, to)[0];
  const ofDay = "date(created_at / 1000, 'unixepoch') AS day, ";
  const each = "GROUP BY operation ORDER BY operation";
  const crossed = "GROUP BY day, operation ORDER BY day DESC, operation";
  return readReport({
    total: sums(since, before),
    today: sums(day, Number.MAX_SAFE_INTEGER),
    thisMonth: sums(month, Number.MAX_SAFE_INTEGER),
    byDay: rows(ofDay, "GROUP BY day ORDER BY day DESC", since, before),
    byOperation: rows("operation, ", each, since, before),
    byDayAndOperation: rows(`${ofDay}operation, `, crossed, since, before),
  });
}

/** How an owner stands. Within the transaction that decides by it. */
export function standingOf(connection: Connection, owner: string, now: number): Standing {
  const own = committedBy(connection, "owner = ?", [owner], now);
  const isShared = connection.all("SELECT 1 FROM closed LIMIT 1", []).length > 0;
  if (!isShared) return own;
  const [caps] = connection.all("SELECT per_day_usd, per_month_usd FROM users WHERE user_id = ?", [
    owner,
  ]);
  const all = committedBy(connection, "TRUE", [], now);
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
      `SELECT total(coalesce(cost_usd, reserved_usd)) AS n FROM ${CHARGED_JOBS}
       WHERE ${whose} AND created_at >= ? AND ${CHARGED}`,
      [...values, start],
    );
    return readUsd(row);
  };
  return { todayUsd: since(day), thisMonthUsd: since(month) };
}
