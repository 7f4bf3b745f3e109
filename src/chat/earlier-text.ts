import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { readUri, URI_TEMPLATES } from "../core/uris.ts";
import type { Job } from "../jobs/job.ts";
import type { ChatContext } from "./chat-context.ts";
import { CHAT_OPERATION } from "./chat-operation.ts";
import { threadPage } from "./thread-page.ts";
import type { ThreadStore } from "./thread-store.ts";

/** An earlier result as text: a file of ours, or what is kept in the store. */
export type EarlierText =
  | { name: string; path: string; sizeBytes: number }
  | { name: string; text: string };

/**
 * The text that an address of ours names: a text file of a job, the answer of a turn, or a
 * whole thread.
 * @throws {not_found} for what is not there, another owner's, or not for the caller to see
 * @throws {invalid_input} for what is no text
 */
export async function earlierText(
  given: string,
  { owner, scopes }: Pick<Caller, "owner" | "scopes">,
  { store, threads, uploads }: Pick<ChatContext, "store" | "threads" | "uploads">,
): Promise<EarlierText> {
  const reference = given.trim();
  const named = readUri(reference);
  if (!named) {
    throw new AppError(
      "invalid_input",
      `${oneLine(reference)} names nothing that can be attached.`,
      {
        next: `Use ${URI_TEMPLATES.medium} of a text file, ${URI_TEMPLATES.job} of an earlier turn, ${URI_TEMPLATES.thread}, or ${URI_TEMPLATES.upload}; nothing was sent.`,
      },
    );
  }
  if (named.kind === "thread") {
    const { threadId } = named;
    if (await threads.thread(owner, threadId)) {
      return { name: `${threadId}.md`, text: await threadPage(threads, owner, threadId) };
    }
    throw notThere(reference, "`chat_threads` lists the threads that exist.");
  }
  if (named.kind === "upload") return uploads.find(owner, named.uploadId, "text");
  const job = await store.get(owner, named.jobId);
  // Whoever may only chat sees no pictures, also those bought when they were allowed more.
  const isSeen = job?.operation === CHAT_OPERATION || scopes.has("jobs:read");
  if (!job || !isSeen) throw notThere(reference, "`job_list` shows the jobs that exist.");
  return named.kind === "medium" ? fileOf(job, named.index, reference) : answerOf(job, threads);
}

function fileOf(job: Job, index: number, reference: string): EarlierText {
  const medium = job.media.find((one) => one.index === index);
  if (!medium) {
    throw notThere(reference, `${job.jobId} is ${job.state} and has ${job.media.length} files.`);
  }
  const { mimeType, path, sizeBytes } = medium;
  if (/^text\/|^application\/(?:json|.*\+json)$/.test(mimeType)) {
    return {
      name: `${job.jobId}-${index}.${mimeType.endsWith("json") ? "json" : "md"}`,
      path,
      sizeBytes,
    };
  }
  const what = mimeType.startsWith("image/")
    ? "a picture"
    : `a file of type ${oneLine(mimeType, 60)}`;
  throw new AppError(
    "invalid_input",
    `${oneLine(reference)} is ${what}, and this model reads text only.`,
    {
      next: "Leave it out, or say in the prompt what it shows; nothing was sent.",
    },
  );
}

async function answerOf(
  { owner, jobId, operation, state }: Job,
  threads: ThreadStore,
): Promise<EarlierText> {
  if (operation !== CHAT_OPERATION) {
    throw new AppError("invalid_input", `${jobId} made no text, and this model reads text only.`, {
      next: "Attach results of `longcat_chat` only; nothing was sent.",
    });
  }
  const { answer } = await threads.said(owner, jobId);
  if (answer !== "") return { name: `${jobId}.md`, text: answer };
  throw new AppError("invalid_input", `${jobId} is ${state} and has no answer to attach.`, {
    next: "Wait for it with `job_status`; nothing was sent.",
  });
}

function notThere(reference: string, next: string): AppError {
  return new AppError("not_found", `${oneLine(reference)} does not exist.`, { next });
}
