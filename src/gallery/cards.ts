import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { type Html, type HtmlValue, html } from "../core/html.ts";
import { oneLine } from "../core/text.ts";
import { isFinal, type Job, type Medium } from "../jobs/job.ts";
import type { ListedJob } from "../jobs/job-store.ts";
import { listedFiles } from "../jobs/made-files.ts";
import { costWords, operationTitle, STATE_WORDS } from "./shown-words.ts";
import type { GalleryParts } from "./visit.ts";

const CAPTION_CHARACTERS = 120;
/** Of the words that stand in place of a picture. */
const QUOTE_CHARACTERS = 260;
/** For a picture whose size nobody knows. */
const DOT = " · ";
const SQUARE = { width: 240, height: 240 };

type Shown = Pick<GalleryParts, "redact">;

/** A job as a tile: its first picture, how it is doing, what was asked. */
export function card(job: ListedJob, parts: Shown & { usualMs?: number | undefined }): Html {
  const name = captionOf(job, parts, CAPTION_CHARACTERS);
  const count = listedFiles(job).filter(isPicture).length;
  const more =
    count > 1 && html`<span class="count">${count}<span class="unseen"> pictures</span></span>`;
  return html`<li class="card" id="${job.jobId}" data-state="${job.state}">
<a href="/jobs/${job.jobId}">${face(job, parts)}${more}${pill(job)}<span class="name" dir="auto">${name}</span>
<span class="about">${[operationTitle(job.operation), costWords(job)].join(DOT)}</span></a>${progress(job, parts.usualMs)}</li>`;
}

/** What stands for a job: its picture as a small one, or the words that were said. */
function face(job: ListedJob, parts: Shown): Html {
  const cover = coverOf(job);
  if (cover) {
    const { width, height } = { ...SQUARE, ...sizeOf(cover) };
    const src = `/thumbs/${job.jobId}/${cover.index}`;
    return html`<img class="cover" src="${src}" width="${width}" height="${height}" alt="" loading="lazy" decoding="async">`;
  }
  const isChat = job.operation === CHAT_OPERATION;
  const words = isChat ? captionOf(job, parts, QUOTE_CHARACTERS) : STATE_WORDS[job.state];
  return html`<span class="${isChat ? "quote" : "empty"}" dir="auto" aria-hidden="true">${words}</span>`;
}

/** How a job is doing, where it is not simply done. */
export function pill({ state }: Pick<Job, "state">): HtmlValue {
  return state !== "completed" && html`<span class="pill ${state}">${STATE_WORDS[state]}</span>`;
}

/** How far a job is, which the page's script goes on telling. */
export function progress(job: Job, usualMs: number | undefined): HtmlValue {
  if (isFinal(job.state)) return undefined;
  const usual = usualMs !== undefined && html` data-usual="${Math.round(usualMs)}"`;
  return html`<progress aria-label="Progress" data-since="${job.createdAt}"${usual}></progress>`;
}

/** The picture that stands for all of a job: of layers all of them, else the first. */
export function coverOf(job: Pick<Job, "media">): Medium | undefined {
  const pictures = listedFiles(job).filter(isPicture);
  return pictures.find(({ role }) => role === "composite") ?? pictures[0];
}

export function isPicture({ mimeType }: Pick<Medium, "mimeType">): boolean {
  return mimeType.startsWith("image/");
}

export function sizeOf({ width, height }: Medium): { width: number; height: number } | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** What was asked for, on one line; what it was made with, where nothing of that is kept. */
export function captionOf(
  { prompt, operation }: Pick<ListedJob, "prompt" | "operation">,
  { redact }: Shown,
  max: number,
): string {
  const words = prompt === null ? "" : oneLine(redact(prompt), max);
  return words === "" ? operationTitle(operation) : words;
}
