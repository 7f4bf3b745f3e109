import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { AppError, toAppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import type { Job, Medium, WholeJob } from "../jobs/job.ts";
import type { Library } from "../media/disk-store.ts";
import { missingMedia } from "../media/missing.ts";
import type { ChatContext } from "./context.ts";
import { SHOWN_CHARACTERS } from "./names.ts";

/** Whether an answer becomes a file: it is longer than hosts show, or the caller wants one. */
export function needsFile(answer: string, saveTo: string | null): boolean {
  return answer.length > SHOWN_CHARACTERS || (saveTo !== null && answer !== "");
}

/**
 * Writes an answer into the library, and copies it where the caller asked for it. The file is the
 * pure answer, without a label: it may be a translation or code, to be used as it is.
 */
export async function keepAnswer(
  library: Library,
  job: WholeJob,
  answer: string,
): Promise<{ media: Medium[]; warnings: string[] }> {
  let medium: Medium;
  try {
    medium = await writeAnswer(library, job, answer);
  } catch (error) {
    const reason = toAppError(error).message;
    return { media: [], warnings: [`No file was made: ${reason} The whole is in ${uriOf(job)}.`] };
  }
  const warnings: string[] = [];
  const copies =
    job.saveTo === null
      ? []
      : await library.copyTo(job.saveTo, [medium.path]).catch((error: unknown) => {
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
  const { threads, library, store, events, clock } = context;
  if ((await missingMedia(job.media)).length === 0) return job;
  const { answer } = await threads.said(job.owner, job.jobId);
  if (answer === "") {
    throw new AppError("not_found", `The thread of ${job.jobId} was deleted, its answer with it.`, {
      next: "Nothing can bring the file back; ask again with `longcat_chat`.",
    });
  }
  const medium = await writeAnswer(library, job, answer);
  const media = job.media.map(({ copies }) => ({ ...medium, copies }));
  const restored = await store.patch(job.owner, job.jobId, { media }, clock.now());
  events.publish(restored);
  return { ...job, ...restored };
}

async function writeAnswer(library: Library, job: WholeJob, answer: string): Promise<Medium> {
  const bytes = Buffer.from(answer);
  const extension = wantedExtension(job.saveTo);
  const naming = {
    operation: job.operation,
    words: String(job.input["prompt"] ?? ""),
    jobId: job.jobId,
    index: 1,
    extension,
    createdAt: job.createdAt,
  };
  // A process that was killed may have left one.
  if (job.orphaned) await library.clearPartials(job);
  const partial = await library.partialPath(naming);
  let path: string;
  try {
    await writeFile(partial, bytes, { mode: 0o600, flush: true });
    path = await library.keep(partial, naming);
  } catch (error) {
    await library.discard([partial]);
    if (error instanceof AppError) throw error;
    throw new AppError("storage", `${oneLine(partial)} cannot be written.`, { cause: error });
  }
  return {
    index: 1,
    url: uriOf(job),
    path,
    mimeType: extension === "md" ? "text/markdown" : "text/plain",
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    copies: [],
  };
}

function uriOf(job: Job): string {
  return uris.thread(job.threadId ?? "");
}

/** The ending that the caller gave the copy; Markdown otherwise. */
function wantedExtension(saveTo: string | null): string {
  return /^\.([a-z0-9]{1,8})$/i.exec(extname(saveTo ?? ""))?.[1] ?? "md";
}
