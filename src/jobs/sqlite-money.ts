import * as z from "zod";
import { exactUsd } from "../core/money.ts";
import { periodStarts } from "./budget.ts";
import type { Connection } from "./connection.ts";
import type { SpendingReport, Sums } from "./store.ts";

const CHARGED = "charge <> 'none'";
const SUMS = `
  total(CASE charge WHEN 'spent' THEN coalesce(cost_usd, reserved_usd) END) AS spentUsd,
  total(CASE charge WHEN 'reserved' THEN reserved_usd END) AS reservedUsd,
  total(CASE charge WHEN 'uncertain' THEN reserved_usd END) AS uncertainUsd,
  count(*) AS jobs,
  count(*) FILTER (WHERE coalesce(cost_usd, reserved_usd) IS NULL) AS unpriced`;
const MAX_DAYS = 31;

const usd = z.number().transform(exactUsd);
const sumsSchema = z.object({
  spentUsd: usd,
  reservedUsd: usd,
  uncertainUsd: usd,
  jobs: z.number(),
  unpriced: z.number(),
});
const totalRow = z.object({ n: usd });

/** What an owner's jobs have cost and may still cost, by period and operation. */
export function spendingOf(connection: Connection, owner: string, now: number): SpendingReport {
  const { day, month } = periodStarts(now);
  const since = (start: number): Sums =>
    sumsSchema.parse(
      connection.all(
        `SELECT ${SUMS} FROM jobs WHERE owner = ? AND created_at >= ? AND ${CHARGED}`,
        [owner, start],
      )[0],
    );
  return {
    total: since(0),
    today: since(day),
    thisMonth: since(month),
    byDay: connection
      .all(
        `SELECT date(created_at / 1000, 'unixepoch') AS day, ${SUMS} FROM jobs
         WHERE owner = ? AND ${CHARGED} GROUP BY day ORDER BY day DESC LIMIT ?`,
        [owner, MAX_DAYS],
      )
      .map((row) => sumsSchema.extend({ day: z.string() }).parse(row)),
    byOperation: connection
      .all(
        `SELECT operation, ${SUMS} FROM jobs
         WHERE owner = ? AND ${CHARGED} GROUP BY operation ORDER BY operation`,
        [owner],
      )
      .map((row) => sumsSchema.extend({ operation: z.string() }).parse(row)),
  };
}

/** Everything of an owner's that was or may still be charged since a time, in US dollars. */
export function committedUsd(connection: Connection, owner: string, since: number): number {
  const [row] = connection.all(
    `SELECT total(coalesce(cost_usd, reserved_usd)) AS n FROM jobs
     WHERE owner = ? AND created_at >= ? AND ${CHARGED}`,
    [owner, since],
  );
  return totalRow.parse(row).n;
}
