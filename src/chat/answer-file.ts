import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { extname } from "node:path";
import { AppError, toAppError } from "../core/errors.ts";
import type { Job, Medium } from "../jobs/job.ts";
import type { Library } from "../media/library.ts";
import { SHOWN_CHARACTERS, threadUri } from "./names.ts";

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
  job: Job,
  answer: string,
): Promise<{ media: Medium[]; warnings: string[] }> {
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
  let path: string;
  try {
    const partial = await library.partialPath(naming);
    const file = await open(partial, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    path = await library.keep(partial, naming);
  } catch (error) {
    const reason = error instanceof AppError ? error.message : "the file could not be written";
    const whole = threadUri(String(job.input["thread_id"] ?? ""));
    return { media: [], warnings: [`No file was made (${reason}); the whole is in ${whole}.`] };
  }
  const warnings: string[] = [];
  const copies =
    job.saveTo === null
      ? []
      : await library.copyTo(job.saveTo, [path]).catch((error: unknown) => {
          warnings.push(`\`save_to\` was not done: ${toAppError(error).message}`);
          return [];
        });
  const medium: Medium = {
    index: 1,
    url: threadUri(String(job.input["thread_id"] ?? "")),
    path,
    mimeType: extension === "md" ? "text/markdown" : "text/plain",
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    copies,
  };
  return { media: [medium], warnings };
}

/** The ending that the caller gave the copy; Markdown otherwise. */
function wantedExtension(saveTo: string | null): string {
  return /^\.([a-z0-9]{1,8})$/i.exec(extname(saveTo ?? ""))?.[1] ?? "md";
}
