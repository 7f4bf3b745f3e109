import { type Html, html } from "../core/html.ts";
import { cleanText, message, oneLine, shortened } from "../core/text.ts";
import type { WholeJob } from "../jobs/job.ts";
import type { Whereabouts } from "../tools/whereabouts.ts";
import { costWords, durationWords, operationTitle, timeWords } from "./shown-words.ts";
import type { GalleryParts } from "./visit.ts";

/** Of one argument; some are lists of hundreds of files. */
const ARGUMENT_CHARACTERS = 2_000;

/** What is known of a job, by name. */
export function jobFacts(
  job: WholeJob,
  where: Pick<Whereabouts, "nameOf">,
  { redact }: Pick<GalleryParts, "redact">,
): Html {
  const { completedAt, createdAt, requestId, warnings, media } = job;
  const asked = Object.entries(job.input).filter(([name]) => name !== "prompt");
  const facts: [string, string][] = [
    ["Made with", operationTitle(job.operation)],
    ...asked.map(([name, value]): [string, string] => [oneLine(name, 60), argumentText(value)]),
    ["Cost", costWords(job)],
    ["Started", timeWords(createdAt)],
    ...(completedAt === null ? [] : [took(completedAt - createdAt)]),
    ["Job", job.jobId],
    ...(requestId === null ? [] : [["Provider's id", oneLine(requestId)] satisfies Fact]),
    ...media.map(({ path }): Fact => ["File", where.nameOf(path)]),
    ...warnings.map((text): Fact => ["Note", message(text)]),
  ];
  return html`<h2>Facts</h2>
<dl>
${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${cleanText(redact(value))}</dd></div>\n`)}
</dl>`;
}

type Fact = [string, string];

function took(ms: number): Fact {
  return ["Took", durationWords(ms)];
}

function argumentText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return shortened(text, ARGUMENT_CHARACTERS);
}
