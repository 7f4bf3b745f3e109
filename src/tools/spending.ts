import * as z from "zod";
import type { ModelUsage } from "../chat/thread-store.ts";
import { AppError } from "../core/errors.ts";
import type { LongcatClient } from "../gateway/longcat.ts";
import { leftUsd, ownCaps } from "../jobs/budget.ts";
import type { SpendingReport, Sums } from "../jobs/job-store.ts";
import { isoDay, type Period, readPeriod } from "./period.ts";
import { dataResult } from "./result.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";

/** More than a year, and more rows than anybody reads; what is left out is told. */
const MAX_DAYS = 400;
const MAX_CROSSED = 1_000;
/** Of a price per token several digits count. */
const DIGITS = 12;

const sums = {
  total_usd: z.number(),
  reserved_usd: z.number(),
  uncertain_usd: z.number(),
  jobs: z.number(),
  unpriced_jobs: z.number(),
};
const day = { day: z.string() };
const operation = { operation: z.string() };

export function spendingTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "spending",
    title: "Spending",
    description:
      "How much you spent: usage and total cost by day, month and operation, and what is left of the budget. Estimates from printed prices.",
    searchHint:
      "money spent, expenses, costs so far, today, this week, usage, bill, report, spend, show my budget, over or remaining budget",
    kind: "read",
    input: () =>
      z.object({
        since: z
          .string()
          .optional()
          .describe("2026-11-20, today, 7d, last week; default this month"),
        until: z.string().optional().describe("Last day"),
      }),
    output: () =>
      z.looseObject({
        period: z.looseObject({ since: z.string(), until: z.string() }),
        sandbox: z.literal(true).optional(),
        ...sums,
        budget: z.looseObject({
          per_day_usd: z.number().nullable(),
          per_month_usd: z.number().nullable(),
          left_today_usd: z.number().nullable(),
          left_this_month_usd: z.number().nullable(),
        }),
        by_day: z.array(z.looseObject({ ...day, ...sums })),
        by_operation: z.array(z.looseObject({ ...operation, ...sums })),
        by_day_and_operation: z.array(z.looseObject({ ...day, ...operation, ...sums })),
        chat: z.looseObject({
          tokens_in: z.number(),
          tokens_out: z.number(),
          cost_usd: z.number().nullable(),
        }),
        notes: z.array(z.string()).optional(),
      }),
    async run({ since, until }, call) {
      const period = readPeriod(since, until, deps.clock.now());
      const { jobs, threads, longcat } = await deps.services.get();
      const report = await jobs.spending(call.caller.owner, period);
      const usage = await threads.usage(call.caller.owner, period);
      const standing = await jobs.standing(call.caller.owner);
      const { perDayUsd, perMonthUsd } = ownCaps(standing, deps.settings.limits);
      const notes = leftOut(report);
      return dataResult({
        period: shownPeriod(period),
        // Of a store of its own: nothing of it is among what was really spent.
        ...(deps.settings.sandbox ? { sandbox: true } : {}),
        ...viewSums(report.total),
        budget: {
          per_day_usd: perDayUsd ?? null,
          per_month_usd: perMonthUsd ?? null,
          left_today_usd: leftUsd(perDayUsd, standing.todayUsd),
          left_this_month_usd: leftUsd(perMonthUsd, standing.thisMonthUsd),
        },
        by_day: report.byDay.slice(0, MAX_DAYS).map((one) => ({ day: one.day, ...viewSums(one) })),
        by_operation: report.byOperation.map((one) => ({
          operation: one.operation,
          ...viewSums(one),
        })),
        by_day_and_operation: report.byDayAndOperation.slice(0, MAX_CROSSED).map((one) => ({
          day: one.day,
          operation: one.operation,
          ...viewSums(one),
        })),
        chat: {
          tokens_in: usage.reduce((total, { tokensIn }) => total + tokensIn, 0),
          tokens_out: usage.reduce((total, { tokensOut }) => total + tokensOut, 0),
          cost_usd: await chatCostUsd(deps, longcat.of(call.caller.owner), usage),
        },
        ...(notes.length > 0 ? { notes } : {}),
      });
    },
  });
}

/** What tokens cost by the prices that the platform prints today; `null` where it prints none. */
async function chatCostUsd(
  { log }: ToolDeps,
  longcat: Pick<LongcatClient, "models">,
  usage: readonly ModelUsage[],
): Promise<number | null> {
  const used = usage.filter(({ tokensIn, tokensOut }) => tokensIn + tokensOut > 0);
  let total = 0;
  for (const { model, tokensIn, tokensOut } of used) {
    const found = await longcat.models("openai", model).catch((error: unknown) => {
      const isKeyless = error instanceof AppError && error.code === "configuration";
      if (!isKeyless) log.warn({ err: error }, "the price of a model is not known");
      return [];
    });
    const prices = found.find(({ id }) => id === model);
    const { promptPriceUsd, completionPriceUsd } = prices ?? {};
    if (promptPriceUsd === undefined || completionPriceUsd === undefined) return null;
    total += tokensIn * promptPriceUsd + tokensOut * completionPriceUsd;
  }
  return Number(total.toPrecision(DIGITS));
}

function leftOut({ byDay, byDayAndOperation }: SpendingReport): string[] {
  const lists = [
    { name: "by_day", rows: byDay.length, most: MAX_DAYS },
    { name: "by_day_and_operation", rows: byDayAndOperation.length, most: MAX_CROSSED },
  ];
  return lists
    .filter(({ rows, most }) => rows > most)
    .map(
      ({ name, rows, most }) =>
        `${name} has the newest ${most} of ${rows} rows; totals are of all. Ask for a shorter period.`,
    );
}

function shownPeriod({ since, before }: Period) {
  return { since: isoDay(since), until: isoDay(before - 1) };
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
