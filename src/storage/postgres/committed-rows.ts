import { DAY_MS } from "../../core/clock.ts";
import { periodStarts } from "../../jobs/budget.ts";
import type { Committed, Standing } from "../../jobs/standing.ts";
import { readCaps, readCommitted } from "../rows/sum-rows.ts";
import type { Statements } from "./database.ts";

/** Under whose name the sums of all owners together are kept: no owner has an empty one. */
export const ALL_OWNERS = "";

/** Whether callers are told apart, and have caps together. */
export async function isShared(db: Statements): Promise<boolean> {
  return (await db.all("SELECT 1 FROM closed LIMIT 1", [])).length > 0;
}

/** How an owner stands. Within the transaction that decides by it. */
export async function standingOf(db: Statements, owner: string, now: number): Promise<Standing> {
  const sql = "SELECT per_day_usd, per_month_usd FROM users WHERE user_id = ?";
  const [own, all, isSharedNow, [caps]] = await Promise.all([
    committedBy(db, owner, now),
    committedBy(db, ALL_OWNERS, now),
    isShared(db),
    db.all(sql, [owner]),
  ]);
  return isSharedNow ? { ...own, shared: { all, caps: readCaps(caps) } } : own;
}

/** Everything of an owner that was or may still be charged, today and this month. */
async function committedBy(db: Statements, owner: string, now: number): Promise<Committed> {
  const { day, month } = periodStarts(now);
  const [row] = await db.all(
    `SELECT CAST(coalesce(sum(usd) FILTER (WHERE day >= ?), 0) AS double precision) AS "todayUsd",
       CAST(coalesce(sum(usd), 0) AS double precision) AS "thisMonthUsd"
     FROM money_days WHERE owner = ? AND day >= ?`,
    [day / DAY_MS, owner, month / DAY_MS],
  );
  return readCommitted(row);
}
