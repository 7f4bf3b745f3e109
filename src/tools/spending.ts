import * as z from "zod";
import { leftUsd } from "../jobs/budget.ts";
import type { Sums } from "../jobs/job-store.ts";
import { isoDay, readPeriod } from "./period.ts";
import { dataResult } from "./result.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";

const sums = {
  total_usd: z.number(),
  reserved_usd: z.number(),
  uncertain_usd: z.number(),
  jobs: z.number(),
  unpriced_jobs: z.number(),
};

export function spendingTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "spending",
    title: "Spending",
    description:
      "What was spent, by UTC day and operation, and what is left. Estimates from printed prices.",
    kind: "read",
    input: z.object({
      since: z.string().optional().describe("Date, 7d or 4w; default this month"),
      until: z.string().optional().describe("Last day"),
    }),
    output: z.looseObject({
      ...sums,
      budget: z.looseObject({
        per_day_usd: z.number().nullable(),
        per_month_usd: z.number().nullable(),
        left_today_usd: z.number().nullable(),
        left_this_month_usd: z.number().nullable(),
      }),
      by_day: z.array(z.looseObject({ day: z.string() })),
      by_operation: z.array(z.looseObject({ operation: z.string() })),
    }),
    async run({ since, until }, call) {
      const period = readPeriod(since, until, deps.clock.now());
      const { jobs } = await deps.services.get();
      const report = await jobs.spending(call.owner, period);
      const { perDayUsd, perMonthUsd } = deps.settings.limits;
      return dataResult({
        period: { since: isoDay(period.since), until: isoDay(period.before - 1) },
        ...viewSums(report.total),
        budget: {
          per_day_usd: perDayUsd ?? null,
          per_month_usd: perMonthUsd ?? null,
          left_today_usd: leftUsd(perDayUsd, committed(report.today)),
          left_this_month_usd: leftUsd(perMonthUsd, committed(report.thisMonth)),
        },
        by_day: report.byDay.map((one) => ({ day: one.day, ...viewSums(one) })),
        by_operation: report.byOperation.map((one) => ({
          operation: one.operation,
          ...viewSums(one),
        })),
      });
    },
  });
}

/** All three lower what is left: a cap that forgot the uncertain could be overspent. */
function committed(one: Sums): number {
  return one.spentUsd + one.reservedUsd + one.uncertainUsd;
}

function viewSums(one: Sums) {
  return {
    total_usd: one.spentUsd,
    reserved_usd: one.reservedUsd,
    uncertain_usd: one.uncertainUsd,
    jobs: one.jobs,
    unpriced_jobs: one.unpriced,
  };
}
