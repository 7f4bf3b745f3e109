import { extname } from "node:path";
import { AppError, toAppError } from "../core/errors.ts";
import { uris } from "../core/uris.ts";
import type { Job, Medium, WholeJob } from "../jobs/job.ts";
import type { KeepOptions, MediaStore } from "../media/media-store.ts";
import { missingMedia } from "../media/missing.ts";
import type { ChatContext } from "./chat-context.ts";
import { SHOWN_CHARACTERS } from "./chat-operation.ts";

/** Whether an answer becomes a file: it is longer than hosts show, or the caller wants one. */
export function needsFile(answer: string, saveTo: string | null): boolean {
  return answer.length > SHOWN_CHARACTERS || (saveTo !== null && answer !== "");
}

/**
 * Keeps an answer as a file, and copies it where the caller asked for it. The file is the
 * pure answer, without a label: it may be a translation or code, to be used as it is.
 */
export async function keepAnswer(
  context: Pick<ChatContext, "media" | "saving" | "events" | "stopping">,
  job: WholeJob,
  answer: string,
): Promise<{ media: Medium[]; warnings: string[] }> {
  const { media: store, saving, events, stopping } = context;
  let medium: Medium;
  try {
    medium = await writeAnswer(store, job, answer, {
      signal: stopping,
      waiting: (why) => events.holdUp(job.jobId, why),
    });
  } catch (error) {
    const reason = toAppError(error).message;
    return { media: [], warnings: [`No file was made: ${reason} The whole is in ${uriOf(job)}.`] };
  }
  const warnings: string[] = [];
  const copies =
    job.saveTo === null
      ? []
      : await saving.copyTo(job.saveTo, job.owner, [medium.path]).catch((error: unknown) => {
          warnings.push(`\`save_to\` was not done: ${toAppError(error).message}`);
          return [];
        });
  return { media: [{ ...medium, copies }], warnings };
}

/**
 * Writes the answer of a completed job again if its file is gone: its thread still has the text.
 * @throws {not_found} when the thread was deleted
 * @throws {storage}
 */
export async function restoreAnswer(context: ChatContext, job: WholeJob): Promise<WholeJob> {
  const { threads, media: files, store, events, clock } = context;
  if ((await missingMedia(files, job)).length === 0) return job;
  const { answer } = await threads.said(job.owner, job.jobId);
  if (answer === "") {
    throw new AppError("not_found", `The thread of ${job.jobId} was deleted, its answer with it.`, {
      next: "Nothing can bring the file back; ask again with `longcat_chat`.",
    });
  }
  const medium = await writeAnswer(files, job, answer, { once: true });
  const media = job.media.map(({ copies }) => ({ ...medium, copies }));
  const restored = await store.patch(job.owner, job.jobId, { media }, clock.now());
  events.publish(restored);
  return { ...job, ...restored };
}

/**
 * A completed turn with its answer as a file: a short answer is none until somebody wants one.
 * @throws {invalid_input} where there is no answer
 * @throws {storage}
 */
export async function withAnswerFile(context: ChatContext, job: WholeJob): Promise<WholeJob> {
  if (job.state !== "completed" || job.media.length > 0) return job;
  const { threads, media: files, store, events, clock } = context;
  const { answer } = await threads.said(job.owner, job.jobId);
  if (answer === "") {
    throw new AppError("invalid_input", `${job.jobId} has no answer that could be saved.`, {
      next: "Its thread may have been deleted; ask again with `longcat_chat`.",
    });
  }
  const medium = await writeAnswer(files, job, answer, { once: true });
  const patched = await store.patch(job.owner, job.jobId, { media: [medium] }, clock.now());
  events.publish(patched);
  return { ...job, ...patched };
}

async function writeAnswer(
  store: MediaStore,
  job: WholeJob,
  answer: string,
  how: KeepOptions,
): Promise<Medium> {
  // A process that was killed may have left one.
  if (job.orphaned) await store.clearDrafts(job);
  const extension = wantedExtension(job.saveTo);
  const naming = {
    owner: job.owner,
    operation: job.operation,
    words: String(job.input["prompt"] ?? ""),
    jobId: job.jobId,
    index: 1,
    extension,
    createdAt: job.createdAt,
  };
  const { ref, ...kept } = await store.put(Buffer.from(answer), naming, how);
  const mimeType = extension === "md" ? "text/markdown" : "text/plain";
  return { index: 1, url: uriOf(job), path: ref, mimeType, ...kept, copies: [] };
}

function uriOf(job: Job): string {
  return uris.thread(job.threadId ?? "");
}

/** The ending that the caller gave the copy; Markdown otherwise. */
function wantedExtension(saveTo: string | null): string {
  return /^\.([a-z0-9]{1,8})$/i.exec(extname(saveTo ?? ""))?.[1] ?? "md";
}
