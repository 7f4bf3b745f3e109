import type { Said, Thread, ThreadFile, Turn } from "../chat/thread.ts";
import { remarks } from "../chat/thread-page.ts";
import { type Html, type HtmlValue, html } from "../core/html.ts";
import { byteCount, cleanText, message, oneLine } from "../core/text.ts";
import { readThreadId } from "../core/uris.ts";
import { readQuery } from "../tools/search-query.ts";
import { noSuchThread } from "./acts.ts";
import { formattedText } from "./formatted-text.ts";
import { formKey, page } from "./page-frame.ts";
import { seesThreads } from "./permissions.ts";
import { timeWords } from "./shown-words.ts";
import type { Visit } from "./visit.ts";

const THREADS = 50;
/** Turns on one page. */
const TURNS = 30;

/** Somebody's conversations with the delegate, newest first. @throws {not_found | invalid_input} */
export async function threadsPage(visit: Visit): Promise<Html> {
  const { parts, caller, query } = visit;
  if (!seesThreads(caller)) throw noSuchThread();
  const q = (query.get("q") ?? "").trim();
  const words = q === "" ? undefined : readQuery(q);
  const cursor = query.get("cursor") ?? undefined;
  const found = await parts.threads.list(caller.owner, THREADS, cursor, words);
  const next = found.nextCursor;
  const more = new URLSearchParams({
    ...(q === "" ? {} : { q }),
    ...(next ? { cursor: next } : {}),
  });
  const content = html`<h1>Conversations</h1>
<form class="filters" method="get" action="/threads" role="search">
<label class="wide">Search <input type="search" name="q" value="${oneLine(q)}" maxlength="300"></label><button>Show</button>
</form>
${found.threads.length === 0 ? html`<p class="nothing">${q === "" ? "There are no conversations yet." : "Nothing was found."}</p>` : html`<ul class="rows">${found.threads.map((one) => threadRow(one, visit))}</ul>`}
${next !== undefined && html`<p class="more"><a href="/threads?${String(more)}" rel="next">Show more</a></p>`}`;
  return page(visit, { title: "Conversations", section: "threads" }, content);
}

function threadRow({ threadId, title, updatedAt, turns, files }: Thread, { parts }: Visit): Html {
  const count = (number: number, one: string) => `${number} ${one}${number === 1 ? "" : "s"}`;
  const attached = files > 0 ? `, ${count(files, "file")}` : "";
  return html`<li><a href="/threads/${threadId}" dir="auto">${oneLine(parts.redact(title), 160) || threadId}</a>
<span class="about">${timeWords(updatedAt)}, ${count(turns, "turn")}${attached}</span></li>
`;
}

/** A conversation to read, the newest turns of it. @throws {not_found} */
export async function threadPageOf(visit: Visit, given: string): Promise<Html> {
  const { parts, caller, query } = visit;
  const { owner } = caller;
  const threadId = readThreadId(given);
  const thread =
    threadId !== undefined && seesThreads(caller)
      ? await parts.threads.thread(owner, threadId)
      : undefined;
  if (!thread) throw noSuchThread();
  const before = Number(query.get("before") ?? Number.POSITIVE_INFINITY);
  const turns = await parts.threads.turns(owner, thread.threadId);
  const files = await parts.threads.files(owner, thread.threadId);
  const earlier = turns.filter(({ seq }) => !(seq >= before));
  const shown = earlier.slice(-TURNS);
  const first = shown[0];
  const title = oneLine(parts.redact(thread.title), 120) || "Conversation";
  const sections: Html[] = [];
  for (const turn of shown) {
    const said = await parts.threads.said(owner, turn.jobId);
    const attached = files.filter(({ jobId }) => jobId === turn.jobId);
    sections.push(turnSection(turn, said, attached, visit));
  }
  const path = `/threads/${thread.threadId}`;
  const content = html`<article id="thread" data-thread="${thread.threadId}">
<p class="back"><a href="/threads">All conversations</a></p>
<h1 dir="auto">${title}</h1>
${first && shown.length < earlier.length && html`<p class="more"><a href="${path}?before=${first.seq}">Earlier turns</a></p>`}
${sections}
<details class="delete"><summary>Delete</summary>
<form method="post" action="${path}/delete">${formKey(visit)}
<p>All that was asked and answered here is forgotten. Files of answers stay; what it cost still counts.</p>
<button class="grave">Delete it</button></form></details>
</article>`;
  return page(visit, { title, section: "threads" }, content);
}

function turnSection(
  turn: Turn,
  { answer, reasoning }: Said,
  attached: readonly ThreadFile[],
  { parts }: Visit,
): Html {
  const { request, outcome, createdAt, jobId } = turn;
  const said = (text: string): HtmlValue => formattedText(cleanText(parts.redact(text)));
  const aside = (name: string, text: string | undefined) =>
    text !== undefined &&
    text !== "" &&
    html`<details><summary>${name}</summary><div class="words">${said(text)}</div></details>`;
  return html`<section class="turn" data-job="${jobId}">
<div class="asked"><h2>Asked <span class="about">${timeWords(createdAt)}</span></h2>
${aside("System", request.system)}
${attached.length > 0 && html`<ul class="files">${attached.map(({ name, sizeBytes }) => html`<li>${oneLine(name)} (${byteCount(sizeBytes)})</li>`)}</ul>`}
<div class="words">${said(request.prompt)}</div></div>
<div class="answered"><h2>Answered by ${oneLine(outcome?.model ?? request.model, 80)} <a class="about" href="/jobs/${jobId}">the job</a></h2>
${aside("Reasoning", reasoning)}
<div class="words">${answer === "" ? html`<p class="about">No answer.</p>` : said(answer)}</div>
${remarks(turn).map((remark) => html`<p class="problem">${message(remark)}</p>`)}</div>
</section>
`;
}
