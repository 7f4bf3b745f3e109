import { DAY_MS } from "../core/clock.ts";
import { type Html, type HtmlValue, html } from "../core/html.ts";
import { formatUsd } from "../core/money.ts";
import { leftUsd, ownCaps } from "../jobs/budget.ts";
import type { SpendingReport, Sums } from "../jobs/job-store.ts";
import { isoDay, type Period, readPeriod } from "../tools/period.ts";
import { page } from "./page-frame.ts";
import { operationTitle } from "./shown-words.ts";
import { spendingChart } from "./spending-chart.ts";
import type { Visit } from "./visit.ts";

/** What can be chosen, by how many days it goes back. */
const CHOICES = [
  { days: 7, label: "7 days" },
  { days: 30, label: "30 days" },
  { days: 90, label: "90 days" },
  { days: 365, label: "A year" },
] as const;
const DEFAULT_DAYS = 30;

/** What was spent, by day and operation, as a picture and as a table. */
export async function spendingPage(visit: Visit): Promise<Html> {
  const { parts, caller, query } = visit;
  const { store, threads, clock } = parts;
  const now = clock.now();
  const { days } = CHOICES.find((one) => String(one.days) === query.get("days")) ?? {
    days: DEFAULT_DAYS,
  };
  const period = readPeriod(isoDay(now - (days - 1) * DAY_MS), undefined, now);
  const report = await store.spending(caller.owner, now, period);
  const usage = await threads.usage(caller.owner, period);
  const content = html`<h1>Spending</h1>
<nav class="periods" aria-label="Period"><ul>${CHOICES.map(
    (one) =>
      html`<li><a href="/spending?days=${one.days}"${one.days === days && html` aria-current="true"`}>${one.label}</a></li>`,
  )}</ul></nav>
<dl class="sums">
${fact("In this time", sumWords(report.total))}
${fact("Today", sumWords(report.today))}
${fact("This month", sumWords(report.thisMonth))}
${await leftFacts(visit)}
</dl>
${report.byDay.length === 0 ? html`<p class="nothing">Nothing was spent in this time.</p>` : charted(report, period)}
${tokens(usage)}
<p class="about">Days are UTC. Amounts are estimates from the printed prices; the provider's bill is what counts.</p>`;
  return page(visit, { title: "Spending", section: "spending" }, content);
}

function charted(report: SpendingReport, period: Period): Html {
  return html`${spendingChart(report.byDayAndOperation, period)}
<h2>By operation</h2>
<table><thead><tr><th scope="col">Operation</th><th scope="col">Jobs</th><th scope="col">Spent</th><th scope="col">In doubt</th></tr></thead>
<tbody>${report.byOperation.map((one) => row(operationTitle(one.operation), one))}</tbody></table>
<h2>By day</h2>
<table><thead><tr><th scope="col">Day</th><th scope="col">Jobs</th><th scope="col">Spent</th><th scope="col">In doubt</th></tr></thead>
<tbody>${report.byDay.map((one) => row(one.day, one))}</tbody></table>`;
}

function row(name: string, sums: Sums): Html {
  return html`<tr><th scope="row">${name}</th><td>${sums.jobs}</td><td>${formatUsd(sums.spentUsd + sums.reservedUsd)}</td><td>${sums.uncertainUsd > 0 && formatUsd(sums.uncertainUsd)}</td></tr>\n`;
}

function sumWords({ spentUsd, reservedUsd, uncertainUsd, unpriced }: Sums): string {
  return [
    formatUsd(spentUsd + reservedUsd),
    ...(uncertainUsd > 0 ? [`perhaps ${formatUsd(uncertainUsd)} more`] : []),
    ...(unpriced > 0 ? [`${unpriced} of unknown price`] : []),
  ].join(", ");
}

/** What is left of somebody's own caps; of what all share, no amount is told to anybody. */
async function leftFacts({ parts, caller }: Visit): Promise<HtmlValue> {
  const standing = await parts.store.committed(caller.owner, parts.clock.now());
  const { perDayUsd, perMonthUsd } = ownCaps(standing, parts.limits);
  const [today, month] = [
    leftUsd(perDayUsd, standing.todayUsd),
    leftUsd(perMonthUsd, standing.thisMonthUsd),
  ];
  return [
    today !== null && fact("Left today", formatUsd(today)),
    month !== null && fact("Left this month", formatUsd(month)),
  ];
}

function fact(name: string, value: string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`;
}

function tokens(usage: readonly { tokensIn: number; tokensOut: number }[]): HtmlValue {
  const sum = (pick: (one: (typeof usage)[number]) => number) =>
    usage.reduce((total, one) => total + pick(one), 0).toLocaleString("en-US");
  if (usage.length === 0) return undefined;
  return html`<p>Conversations used ${sum((one) => one.tokensIn)} tokens in and ${sum((one) => one.tokensOut)} out.</p>`;
}
