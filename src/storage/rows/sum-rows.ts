import * as z from "zod";
import { exactUsd } from "../../core/money.ts";
import type { SpendingReport } from "../../jobs/job-store.ts";
import type { Committed } from "../../jobs/standing.ts";
import type { UserCaps } from "../../users/user.ts";

const usd = z.number().transform(exactUsd);
const sumsSchema = z.object({
  spentUsd: usd,
  reservedUsd: usd,
  uncertainUsd: usd,
  jobs: z.number(),
  unpriced: z.number(),
});
const totalRow = z.object({ n: usd });
const committedRow = z.object({ todayUsd: usd, thisMonthUsd: usd });
const NO_CAPS = { per_day_usd: null, per_month_usd: null };
const capsRow = z
  .object({ per_day_usd: z.number().nullable(), per_month_usd: z.number().nullable() })
  .transform(({ per_day_usd, per_month_usd }) => ({
    perDayUsd: per_day_usd ?? undefined,
    perMonthUsd: per_month_usd ?? undefined,
  }));

const daySchema = sumsSchema.extend({ day: z.string() });
const operationSchema = sumsSchema.extend({ operation: z.string() });
const crossedSchema = operationSchema.extend({ day: z.string() });

/** The rows of a report, as they were added up. */
export interface ReportRows {
  total: unknown;
  today: unknown;
  thisMonth: unknown;
  byDay: readonly unknown[];
  byOperation: readonly unknown[];
  byDayAndOperation: readonly unknown[];
}

export function readReport(rows: ReportRows): SpendingReport {
  return {
    total: sumsSchema.parse(rows.total),
    today: sumsSchema.parse(rows.today),
    thisMonth: sumsSchema.parse(rows.thisMonth),
    byDay: rows.byDay.map((row) => daySchema.parse(row)),
    byOperation: rows.byOperation.map((row) => operationSchema.parse(row)),
    byDayAndOperation: rows.byDayAndOperation.map((row) => crossedSchema.parse(row)),
  };
}

/** US dollars, as `n`. */
export function readUsd(row: unknown): number {
  return totalRow.parse(row).n;
}

export function readCommitted(row: unknown): Committed {
  return committedRow.parse(row);
}

/** A user's caps; none of somebody who is no user. */
export function readCaps(row: unknown): UserCaps {
  return capsRow.parse(row ?? NO_CAPS);
}
