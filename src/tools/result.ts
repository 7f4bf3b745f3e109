import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { nextAfter, toAppError } from "../core/errors.ts";
import { formatUsd } from "../core/money.ts";
import { type Program, runnable } from "../core/program.ts";
import { cleanText, message, oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import { isFinal, type Job, type Medium, type MediumRole, type WholeJob } from "../jobs/job.ts";
import { listedFiles } from "../jobs/made-files.ts";
import { nameOf } from "../media/media-store.ts";
import { missingMedia } from "../media/missing.ts";
import { operationNamed } from "../models/catalogue.ts";
import { imagesAsked } from "../purchases/keeping.ts";
import { GIVE_UP_MS } from "../purchases/pace.ts";
import { afterPurchase } from "./advice.ts";
import { type ShowingOptions, shownPictures } from "./shown-pictures.ts";
import { someOf } from "./some-of.ts";
import { lookAgain, type UsualTime } from "./usual-time.ts";
import { placeLine, type Whereabouts } from "./whereabouts.ts";

export interface ResultOptions extends ShowingOptions {
  sandbox: boolean;
  now: number;
  /** The call that asked for it, in a line. */
  asked?: string;
  /** The job was started by an earlier, identical call. */
  isDuplicate: boolean;
  /** What its person has said to it, or can. */
  note?: string | undefined;
  /** What keeps it from going on at the moment. */
  heldUpBy: string | undefined;
  /** How long such jobs take. */
  usual: UsualTime | undefined;
  program: Program;
  /** How the caller is told of files. */
  where: Whereabouts;
  /** Whether an address may still lead to a file; all do when absent. */
  isServed?: (url: string) => boolean;
}

/** How many files, notes or addresses one answer lists. */
export const MAX_LISTED = 20;
const MAX_FACTS = 5;

export function textBlock(text: string): ContentBlock {
  return { type: "text", text };
}

/**
 * Structured data with the same JSON as text, for hosts that show only one of the two.
 */
export function dataResult(data: Record<string, unknown>): CallToolResult {
  const text = JSON.stringify(data, (_, value: unknown) =>
    typeof value === "string" ? cleanText(value) : value,
  ).replaceAll(/[\u2028\u2029]/g, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029"));
  return { content: [textBlock(text)], structuredContent: JSON.parse(text) };
}

/** Structured data beside a text that says the same in fewer words. */
export function structuredResult(text: string, data: Record<string, unknown>): CallToolResult {
  return { content: [textBlock(text)], structuredContent: data };
}

/** Anything thrown, for an assistant: code, what happened, what to do next. Never a stack or key. */
export function errorResult(
  thrown: unknown,
  { program, sandbox }: Pick<ResultOptions, "program" | "sandbox">,
  say: Whereabouts["say"],
  jobId?: string,
): CallToolResult {
  const error = toAppError(thrown);
  const job =
    jobId === undefined
      ? ""
      : `\nIt is about ${jobId}, which goes on by itself: look with \`job_status\` before starting it again.`;
  return {
    isError: true,
    content: [
      textBlock(
        `${error.code}: ${message(say(error.message))}\nNext: ${message(say(runnable(nextAfter(error, sandbox), program)))}${job}`,
      ),
    ],
  };
}

/**
 * A job for every host: the text carries all that matters and comes first, then a preview per
 * picture, then a link per file. No structured content: one host drops the pictures beside it.
 */
export async function jobBlocks(job: WholeJob, options: ResultOptions): Promise<ContentBlock[]> {
  const files = listedFiles(job);
  const missing = await missingMedia(options.media, { ...job, media: [...files] });
  const there = files.filter((medium) => !missing.includes(medium));
  const { blocks, notes } = await shownPictures(job, there, options);
  const lost = missing.map((medium) => missingNote(job, medium, options));
  const text = textBlock(jobText(job, options, [...notes, ...lost]));
  const listed = listedOf(job);
  const linked = there.filter((medium) => listed.includes(medium));
  return [text, ...blocks, ...linked.map(linkBlock(job))];
}

/** The result of a start tool or of looking at a job: the blocks, an error if the job failed. */
export async function jobResult(job: WholeJob, options: ResultOptions): Promise<CallToolResult> {
  const content = await jobBlocks(job, options);
  const failed = isFinal(job.state) && job.state !== "completed";
  return failed ? { content, isError: true } : { content };
}

/** One line about each job that completed while nobody was there. */
export function completedBlock(
  jobs: readonly Job[],
  summary: (job: Job) => string,
): ContentBlock | undefined {
  if (jobs.length === 0) return undefined;
  const lines = capped(
    jobs,
    (job) => `- ${job.jobId} (${job.operation}): ${message(summary(job))}`,
    "jobs: see `job_list`",
  );
  return textBlock(
    `While no client was connected, these jobs completed; \`job_status\` shows them:\n${lines.join("\n")}`,
  );
}

function jobText(job: WholeJob, options: ResultOptions, more: readonly string[]): string {
  const notes = capped(
    [...untoldWarnings(job), ...more],
    (note) => `Note: ${message(note)}`,
    "notes",
  );
  if (options.isDuplicate) notes.unshift(duplicateNote(job, options.now));
  if (options.note !== undefined) notes.unshift(`Note: ${message(options.note)}`);
  notes.unshift(...heldUpNotes(job, options));
  if (listedOf(job).length > 0) notes.push(...placeNotes(options));
  if (options.sandbox) notes.push("SANDBOX, nothing was charged.");
  // Some hosts show the first lines only, some the last: how it went, and where the files are.
  return [
    headline(job, options),
    options.asked ?? "",
    ...notes,
    ...listedOf(job).flatMap(fileLines(job, options)),
    ...othersLine(job),
    next(job, options),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

/** What is to be said of where files are, once. */
export function placeNotes({ where }: ResultOptions): string[] {
  return where.notes.map((note) => `Note: ${message(note)}`);
}

function listedOf(job: Job): readonly Medium[] {
  return someOf(listedFiles(job), MAX_LISTED);
}

function othersLine(job: Job): string[] {
  const others = listedFiles(job).length - MAX_LISTED;
  return others > 0 ? [`   and ${others} more files, all listed in ${uris.job(job.jobId)}`] : [];
}

/** Lines about some of many things, and one that says how many there are beside them. */
function capped<T>(all: readonly T[], line: (one: T) => string, others: string): string[] {
  const lines = all.slice(0, MAX_LISTED).map(line);
  const left = all.length - lines.length;
  return left > 0 ? [...lines, `   and ${left} more ${others}`] : lines;
}

/** Why a job that has not ended does not go on. */
export function heldUpNotes(job: Job, { heldUpBy }: ResultOptions): string[] {
  if (heldUpBy === undefined || isFinal(job.state)) return [];
  return [`Note: It is held up, and tried again by itself. ${message(heldUpBy)}`];
}

/** What is known of a file that somebody moved or deleted. */
function missingNote(job: Job, medium: Medium, { now, where }: ResultOptions): string {
  const gone = `${oneLine(where.nameOf(medium.path))} is missing: it was moved or deleted.`;
  if (medium.role !== undefined) return `${gone} \`redownload: true\` makes it again.`;
  const mayLive = now - (job.completedAt ?? job.createdAt) < GIVE_UP_MS;
  return mayLive
    ? `${gone} The provider may still serve it: \`job_status\` with \`redownload: true\` fetches it again.`
    : `${gone} It was served more than seven days ago, and is gone there.`;
}

function duplicateNote(job: Job, now: number): string {
  const seconds = Math.round((now - job.createdAt) / 1000);
  const note = `Note: An identical call ${seconds} s ago started this job; nothing was bought again.`;
  // What failed says itself how to try again, and whether to ask before.
  return isFinal(job.state) && job.state !== "completed"
    ? note
    : `${note} For another picture of the same, call again with \`force_new: true\`.`;
}

function headline(job: WholeJob, { now, sandbox }: ResultOptions): string {
  const seconds = (((job.completedAt ?? now) - job.createdAt) / 1000).toFixed(1);
  switch (job.state) {
    case "completed":
      return `${job.jobId} completed in ${seconds} s: ${mediaSummary(job)}${sandbox ? "" : cost(job)}`;
    case "failed":
    case "errored":
    case "unknown":
    case "cancelled": {
      const error = job.error;
      const { money } = afterPurchase(job, sandbox);
      const head = `${job.jobId} ${job.state}${error ? `: ${error.code}: ${message(error.message)}` : ""}`;
      return money === "" ? head : `${head}\n${money}`;
    }
    default: {
      const refused =
        job.state === "queued" && job.error ? ` Not taken yet: ${message(job.error.message)}` : "";
      const said = job.upstreamStatus ? ` The provider says: ${oneLine(job.upstreamStatus)}.` : "";
      return `${job.jobId} is ${job.state} for ${seconds} s (${job.operation}).${said}${refused}`;
    }
  }
}

export function mediaSummary(job: Job): string {
  const own = job.media.filter((medium) => medium.role === undefined);
  const kind = operationNamed(job.operation)?.media ?? "images";
  const noun = { images: "image", layers: "layer", weights: "file" }[kind];
  const facts = [...new Set(own.map(factsOf))];
  const told = facts.length > MAX_FACTS ? [...facts.slice(0, MAX_FACTS), "others"] : facts;
  return `${own.length} ${noun}${own.length === 1 ? "" : "s"}, ${told.join(" and ")}`;
}

function factsOf(medium: Medium): string {
  const type = medium.mimeType.replace(/^image\//, "").toUpperCase();
  const isPicture = medium.mimeType.startsWith("image/");
  if (medium.width !== undefined) return `${medium.width}×${medium.height} ${type}`;
  return isPicture
    ? `${type} that cannot be decoded`
    : `${medium.sizeBytes} bytes ${medium.mimeType}`;
}

function cost(job: WholeJob): string {
  if (job.charge !== "spent") return "";
  if (job.costUsd === null) return ", price unknown";
  const estimated = imagesAsked(job) > 1 ? " (estimate)" : "";
  return `, ${formatUsd(job.costUsd)}${estimated}`;
}

const ROLES: Readonly<Record<MediumRole, string>> = {
  composite: "all layers over each other",
  sheet: "the composite and all layers side by side, to look at",
  manifest: "size, bounding box and coverage of each layer",
};

function fileLines(job: Job, { isServed, where }: ResultOptions): (medium: Medium) => string[] {
  const address = ({ role, url }: Medium) => {
    if (role !== undefined) return [`   (${ROLES[role]})`];
    return isServed?.(url) === false ? [] : [`   ${oneLine(url)}`];
  };
  return (medium) => [
    `${medium.index}. ${placeLine(where, job, medium)}`,
    ...where.copiesOf(medium).map((copy) => `   copy: ${oneLine(copy)}`),
    `   ${uris.medium(job.jobId, medium.index)}`,
    ...address(medium),
  ];
}

/** What to do about a job that has not ended. */
export function nextLook(job: Job, { now, usual }: ResultOptions): string {
  return `Next: call \`job_status\` with job_id "${job.jobId}": ${lookAgain(now - job.createdAt, usual)} The job goes on by itself.`;
}

/** What of a job's warnings no answer has told yet: each is said once. */
export function untoldWarnings({ warnings, warningsTold }: Job): string[] {
  return warnings.slice(warningsTold);
}

function next(job: Job, options: ResultOptions): string {
  if (!isFinal(job.state)) return nextLook(job, options);
  const { program, sandbox } = options;
  if (job.state === "completed") return "";
  const advice = afterPurchase(job, sandbox).next;
  const served = job.mediaUrls.filter((url) => options.isServed?.(url) !== false);
  const lines = capped(served, (url) => `   ${oneLine(url)}`, `in ${uris.job(job.jobId)}`);
  const urls = lines.map((line) => `\n${line}`).join("");
  return `Next: ${message(runnable(advice, program))}${urls === "" ? "" : `\nThe files were served at:${urls}`}`;
}

export function linkBlock(job: Job): (medium: Medium) => ContentBlock {
  return (medium) => ({
    type: "resource_link",
    uri: uris.medium(job.jobId, medium.index),
    name: oneLine(nameOf(medium.path)),
    mimeType: medium.mimeType,
    size: medium.sizeBytes,
  });
}
