import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { type Html, type HtmlValue, html } from "../core/html.ts";
import { cleanText, message, oneLine } from "../core/text.ts";
import { isFinal, type Medium, type WholeJob } from "../jobs/job.ts";
import { listedFiles } from "../jobs/made-files.ts";
import { nameOf } from "../media/media-store.ts";
import { operationNamed } from "../models/catalogue.ts";
import { seenBy } from "../tools/whereabouts.ts";
import { captionOf, card, isPicture, pill, progress, sizeOf } from "./cards.ts";
import { deleteForm, settleForm } from "./change-forms.ts";
import { beforeOf, type Family, familyOf } from "./family.ts";
import { jobFacts } from "./job-facts.ts";
import { page } from "./page-frame.ts";
import { operationTitle } from "./shown-words.ts";
import { usualTimes } from "./usual-times.ts";
import type { GalleryParts, Visit } from "./visit.ts";

const TITLE_CHARACTERS = 90;

/** All of a job: its pictures in full, what was asked, what it cost, and what it has to do with others. */
export async function jobPage(visit: Visit, whole: WholeJob): Promise<Html> {
  const { parts, caller } = visit;
  const job = seenBy(parts.sentencesFor(caller), whole);
  const given = promptOf(job);
  const prompt = given === null ? null : parts.redact(given);
  const name = captionOf({ prompt, operation: job.operation }, parts, TITLE_CHARACTERS);
  const usualMs = await usualTimes(parts, caller.owner)(job);
  const family = await familyOf(job, caller, parts);
  const content = html`<article id="job" data-job="${job.jobId}" data-state="${job.state}">
<p class="back"><a href="/">All pictures</a></p>
<h1 dir="auto">${name}</h1>
<p class="about">${operationTitle(job.operation)} ${pill(job)}</p>
${progress(job, usualMs)}
${job.error !== null && html`<p class="problem" role="alert">${message(parts.redact(job.error.message))}</p>`}
<div class="columns">
<div class="shown">
${pictures(job, family, name)}
${otherFiles(job, parts)}
</div>
<div class="told">
${threadLink(job)}
${settleForm(visit, job)}
${prompt !== null && html`<h2>Prompt</h2><p class="words" id="prompt">${cleanText(prompt)}</p>`}
${jobFacts(job, parts.sentencesFor(caller), parts)}
${deleteForm(visit, job)}
</div>
</div>
${relatives(family, visit)}
</article>`;
  return page(visit, { title: name, section: "pictures" }, content);
}

export function promptOf({ input }: Pick<WholeJob, "input">): string | null {
  const { prompt } = input;
  return typeof prompt === "string" && prompt.trim() !== "" ? prompt : null;
}

function pictures(job: WholeJob, family: Family, title: string): HtmlValue {
  const shown = listedFiles(job).filter((one) => isPicture(one) && one.role !== "sheet");
  if (shown.length === 0) {
    return !isFinal(job.state) && html`<p class="nothing">The picture appears here.</p>`;
  }
  const areLayers = operationNamed(job.operation)?.media === "layers";
  const before = beforeOf(job, family);
  const path = before && `/pictures/${before.job.jobId}/${before.medium.index}`;
  const first = shown[0];
  const pair =
    path !== undefined && first && !areLayers
      ? html` data-before="${path}" data-after="/pictures/${job.jobId}/${first.index}"`
      : undefined;
  const single = shown.length === 1 && " single";
  return html`<div class="figures${single}" id="figures"${areLayers && html` data-layers`}${pair}>
${shown.map((medium) => figure(job, medium, pictureName(title, shown, medium, areLayers)))}
</div>`;
}

function figure({ jobId }: WholeJob, medium: Medium, name: string): Html {
  const src = `/pictures/${jobId}/${medium.index}`;
  const size = sizeOf(medium);
  const sides = size && html` width="${size.width}" height="${size.height}"`;
  return html`<figure>
<a class="checkered" href="${src}" data-name="${name}"${medium.role === undefined && html` data-own`}><img src="${src}" alt="${name}"${sides} loading="lazy" decoding="async"></a>
<figcaption><span><bdi>${name}</bdi>${size && `, ${size.width} × ${size.height}`}</span> <a href="/download/${jobId}/${medium.index}" download aria-label="Download ${name}">Download</a></figcaption>
</figure>
`;
}

function pictureName(
  title: string,
  shown: readonly Medium[],
  medium: Medium,
  areLayers: boolean,
): string {
  if (medium.role === "composite") return "All layers";
  const number = shown.filter(({ role }) => role === undefined).indexOf(medium) + 1;
  if (areLayers) return `Layer ${number}`;
  return shown.length === 1 ? title : `Picture ${number}`;
}

function otherFiles(job: WholeJob, { redact }: Pick<GalleryParts, "redact">): HtmlValue {
  const others = job.media.filter((one) => !isPicture(one) || one.role === "sheet");
  const rows = others.map(
    ({ index, path }) =>
      html`<li><a href="/download/${job.jobId}/${index}" download>${oneLine(redact(nameOf(path)))}</a></li>`,
  );
  return rows.length > 0 && html`<h2>Other files</h2><ul>${rows}</ul>`;
}

function threadLink({ operation, threadId }: WholeJob): HtmlValue {
  if (operation !== CHAT_OPERATION || threadId === null) return undefined;
  return html`<p><a href="/threads/${threadId}">Read the conversation</a></p>`;
}

function relatives({ parents, children }: Family, { parts }: Visit): HtmlValue {
  const of = parents.map(({ job }) => ({ ...job, prompt: promptOf(job) }));
  const ids = new Set<string>();
  const once = of.filter(({ jobId }) => !ids.has(jobId) && ids.add(jobId));
  const list = (name: string, jobs: readonly Parameters<typeof card>[0][]) =>
    jobs.length > 0 &&
    html`<section class="relatives"><h2>${name}</h2><ul class="tiles">${jobs.map((one) => card(one, parts))}</ul></section>`;
  return [list("Made from", once), list("What was made from it", children)];
}
