import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { type Html, type HtmlValue, html } from "../core/html.ts";
import { message, oneLine } from "../core/text.ts";
import type { JobPage, ListedJob } from "../jobs/job-store.ts";
import { isoDay } from "../tools/period.ts";
import { onlyOperation } from "../tools/scopes.ts";
import { card } from "./cards.ts";
import {
  type GridWishes,
  gridPath,
  isNarrowed,
  jobQuery,
  OPERATION_NAMES,
  STATE_CHOICES,
  wishesIn,
} from "./grid-query.ts";
import { page } from "./page-frame.ts";
import { dayWords, operationTitle } from "./shown-words.ts";
import { usualTimes } from "./usual-times.ts";
import type { Visit } from "./visit.ts";

const NOTHING: JobPage = { jobs: [], nextCursor: undefined };

/** Everything that somebody has made, newest first, a page at a time. */
export async function gridPage(visit: Visit): Promise<Html> {
  const wishes = wishesIn(visit.query);
  const { found, problem } = await find(visit, wishes);
  const next = found.nextCursor === undefined ? undefined : { ...wishes, cursor: found.nextCursor };
  const more =
    next && html`<p class="more"><a href="${gridPath(next)}" rel="next">Show more</a></p>`;
  const content = html`<h1 class="unseen">Pictures</h1>
${filters(wishes, visit)}
<div id="grid" data-live="${isNarrowed(wishes) || wishes.cursor !== undefined ? "known" : "all"}">
${await sections(visit, found.jobs)}
</div>
${found.jobs.length === 0 && nothingText(wishes, problem)}
${more}`;
  return page(visit, { title: "Pictures", section: "pictures" }, content);
}

async function find(visit: Visit, wishes: GridWishes) {
  const { parts, caller } = visit;
  try {
    const query = jobQuery(wishes, caller, parts.clock.now());
    return { found: query ? await parts.store.list(query) : NOTHING, problem: undefined };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "invalid_input") throw error;
    return { found: NOTHING, problem: "That cannot be searched for. Try other words or days." };
  }
}

/** Tiles, those of each day together. */
async function sections(visit: Visit, jobs: readonly ListedJob[]): Promise<HtmlValue> {
  const { parts, caller } = visit;
  const usual = usualTimes(parts, caller.owner);
  const days = new Map<number, Html[]>();
  for (const job of jobs) {
    const day = Math.floor(job.createdAt / DAY_MS);
    const tiles = days.get(day) ?? [];
    tiles.push(card(job, { ...parts, usualMs: await usual(job) }));
    days.set(day, tiles);
  }
  return [...days].map(([day, tiles]) => daySection(day * DAY_MS, tiles));
}

function daySection(day: number, tiles: readonly Html[]): Html {
  return html`<section class="day" data-day="${isoDay(day)}">
<h2>${dayWords(day)}</h2>
<ul class="tiles">
${tiles}
</ul>
</section>
`;
}

/** One tile, for a page that has heard of a change. */
export async function cardFragment(visit: Visit, job: ListedJob): Promise<Html> {
  const { parts, caller } = visit;
  const usualMs = await usualTimes(parts, caller.owner)(job);
  return daySection(Math.floor(job.createdAt / DAY_MS) * DAY_MS, [
    card(job, { ...parts, usualMs }),
  ]);
}

function filters(wishes: GridWishes, { caller }: Visit): Html {
  const only = onlyOperation(caller);
  const names = OPERATION_NAMES.filter((name) => only === undefined || name === only);
  const operations = names.map((name) => option(name, operationTitle(name), wishes.operation));
  const states = Object.entries(STATE_CHOICES).map(([name, { label }]) =>
    option(name, label, wishes.state),
  );
  return html`<form class="filters" method="get" action="/" role="search">
<label class="wide">Search <input type="search" name="q" value="${oneLine(wishes.q)}" maxlength="300" placeholder="Words of prompts and file names"></label>
<label>Made with <select name="operation"><option value="">anything</option>${operations}</select></label>
<label>State <select name="state"><option value="">any</option>${states}</select></label>
<label>From <input type="date" name="from" value="${oneLine(wishes.from)}"></label>
<label>To <input type="date" name="to" value="${oneLine(wishes.to)}"></label>
<button>Show</button>
${isNarrowed(wishes) && html`<a class="reset" href="/">Show all</a>`}
</form>`;
}

function option(value: string, label: string, chosen: string): Html {
  return html`<option value="${value}"${value === chosen && html` selected`}>${label}</option>`;
}

function nothingText(wishes: GridWishes, problem: string | undefined): Html {
  if (problem !== undefined) return html`<p class="nothing" role="alert">${message(problem)}</p>`;
  return isNarrowed(wishes)
    ? html`<p class="nothing">Nothing was found.</p>`
    : html`<p class="nothing">There is nothing here yet. Ask your assistant for a picture: it appears here while it is made.</p>`;
}
