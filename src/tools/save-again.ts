import type { CallToolResult } from "@modelcontextprotocol/server";
import { toAppError } from "../core/errors.ts";
import { message } from "../core/text.ts";
import { isFinal, type Job, type WholeJob } from "../jobs/job.ts";
import type { ResultKind } from "../media/file-names.ts";
import { operationNamed } from "../models/catalogue.ts";
import { filesOf } from "./chosen-files.ts";
import { textBlock } from "./result.ts";
import { saveFiles } from "./saved-files.ts";
import type { Services } from "./services.ts";

/**
 * Makes sure that the result of the job that stands for a duplicate call can be saved where that
 * call wants it.
 * @throws {invalid_input | storage}
 */
export async function checkPlaceAgain(services: Services, job: Job, saveTo: string): Promise<void> {
  const kind: ResultKind = operationNamed(job.operation)?.media ?? "text";
  await services.saving.check(saveTo, kind, Math.max(1, job.media.length));
}

/**
 * Saves that job's result as `media_save` would, unless it lies there already, and adds to the
 * answer where it is, or how it will get there.
 */
export async function savedAgain(
  services: Services,
  job: WholeJob,
  saveTo: string,
  result: CallToolResult,
): Promise<CallToolResult> {
  const withNote = (note: string) => {
    return { ...result, content: [...result.content, textBlock(`Note: ${note}`)] };
  };
  if (!isFinal(job.state)) {
    const later = `\`save_to\` waits: once ${job.jobId} is completed, \`media_save\` with job_id "${job.jobId}" saves it there.`;
    // Its own place was recorded with it.
    return saveTo === job.saveTo ? result : withNote(later);
  }
  if (job.state !== "completed" || (await isSavedThere(services, job, saveTo))) return result;
  try {
    const chosen = await filesOf(services, job);
    const blocks = await saveFiles(services, job.owner, chosen, saveTo, {});
    return { ...result, content: [...result.content, ...blocks] };
  } catch (error) {
    return withNote(`\`save_to\` was not done: ${message(toAppError(error).message)}`);
  }
}

/** Whether the job was started with this place, and its copies are where it put them. */
async function isSavedThere(services: Services, job: WholeJob, saveTo: string): Promise<boolean> {
  const copies = job.media.flatMap((medium) => medium.copies);
  return saveTo === job.saveTo && copies.length > 0 && services.saving.areThere(copies);
}
