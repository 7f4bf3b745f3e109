import { DAY_MS } from "../core/clock.ts";
import { type Html, html } from "../core/html.ts";
import { formatUsd } from "../core/money.ts";
import type { Sums } from "../jobs/job-store.ts";
import { isoDay, type Period } from "../tools/period.ts";
import { operationTitle } from "./shown-words.ts";

const WIDTH = 960;
const HEIGHT = 280;
const LEFT = 64;
const BOTTOM = 28;
const TOP = 12;
/** How many colours the style has; what is spent on others has the last one. */
const COLOURS = 8;
const LINES = 4;

export interface Bar extends Sums {
  day: string;
  operation: string;
}

/** What was spent each day, as bars of a colour for each operation; a table says the same. */
export function spendingChart(bars: readonly Bar[], { since, before }: Period): Html {
  const days = Math.max(1, Math.round((before - since) / DAY_MS));
  const ofDay = new Map<string, number>();
  for (const one of bars) ofDay.set(one.day, (ofDay.get(one.day) ?? 0) + amountOf(one));
  const top = niceTop(Math.max(0, ...ofDay.values()));
  const operations = [...new Set(bars.map(({ operation }) => operation))].sort();
  const step = (WIDTH - LEFT) / days;
  const height = (usd: number) => (usd / top) * (HEIGHT - BOTTOM - TOP);
  const reached = new Map<string, number>();
  const rects = bars
    .toSorted((a, b) => operations.indexOf(a.operation) - operations.indexOf(b.operation))
    .map((one) => {
      const at = Math.round((Date.parse(one.day) - since) / DAY_MS);
      const below = reached.get(one.day) ?? 0;
      const tall = height(amountOf(one));
      reached.set(one.day, below + tall);
      const y = HEIGHT - BOTTOM - below - tall;
      const name = `${one.day}, ${operationTitle(one.operation)}: ${formatUsd(amountOf(one))}`;
      return html`<rect class="${colour(operations, one.operation)}" x="${round(LEFT + at * step + step * 0.1)}" y="${round(y)}" width="${round(step * 0.8)}" height="${round(tall)}"><title>${name}</title></rect>\n`;
    });
  return html`<figure class="chart">
<div class="wide" tabindex="0"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Spent by day and operation, ${isoDay(since)} to ${isoDay(before - 1)}; the tables below say the same">
${lines(top, height)}
${rects}
<text x="${LEFT}" y="${HEIGHT - 6}">${isoDay(since)}</text>
<text x="${WIDTH}" y="${HEIGHT - 6}" text-anchor="end">${isoDay(before - 1)}</text>
</svg></div>
<figcaption><ul class="legend">${operations.map(
    (operation) =>
      html`<li><span class="swatch ${colour(operations, operation)}"></span>${operationTitle(operation)}</li>`,
  )}</ul></figcaption>
</figure>`;
}

function lines(top: number, height: (usd: number) => number): Html[] {
  return Array.from({ length: LINES + 1 }, (_, at) => {
    const usd = (top / LINES) * at;
    const y = round(HEIGHT - BOTTOM - height(usd));
    return html`<line x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"/><text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${formatUsd(usd)}</text>\n`;
  });
}

function amountOf({ spentUsd, reservedUsd, uncertainUsd }: Sums): number {
  return spentUsd + reservedUsd + uncertainUsd;
}

function colour(operations: readonly string[], operation: string): string {
  return `series-${Math.min(COLOURS, operations.indexOf(operation) + 1)}`;
}

/** The first of 1, 2 and 5 with some zeros that is no smaller. */
export function niceTop(usd: number): number {
  if (usd <= 0) return 1;
  const zeros = 10 ** Math.floor(Math.log10(usd));
  const factor = [1, 2, 5, 10].find((one) => one * zeros >= usd) ?? 10;
  return Number((factor * zeros).toPrecision(12));
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
