import { AppError } from "../core/errors.ts";
import { deletedJob } from "./deletion.ts";
import { removeDoomed } from "./doomed-files.ts";
import type { Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import { requireJob } from "./require-job.ts";

export interface DeletionContext
  extends Pick<JobContext, "store" | "events" | "clock" | "log" | "reached"> {
  removeFile: (owner: string, ref: string) => Promise<void>;
}

export interface DeletedByHand {
  /** As it was. */
  job: Job;
  /** Those of its files that cannot be removed at the moment, which is tried again. */
  stuck: string[];
}

/**
 * Deletes an ended job whose charge is known.
 * @param withFiles its files in the media store as well; copies elsewhere stay.
 * @throws {not_found | invalid_input} when it stays
 */
export async function deleteJob(
  { store, events, clock, log, reached, removeFile }: DeletionContext,
  owner: string,
  jobId: string,
  withFiles: boolean,
): Promise<DeletedByHand> {
  await requireJob(store, owner, jobId);
  reached("before-deletion");
  const { deleted, refused } = await store.delete(owner, [jobId], { withFiles, now: clock.now() });
  const [job] = deleted;
  if (!job) throw refused[0] ?? new AppError("not_found", `There is no job ${jobId}.`);
  reached("after-deletion");
  events.publishDeletion(deletedJob(job));
  const left = withFiles ? await removeDoomed(store, removeFile) : [];
  reached("after-files");
  const stuck = left.filter(({ file }) => file.jobId === jobId);
  for (const { error } of stuck) log.warn({ job: jobId, err: error }, "a file is not removed");
  return { job, stuck: stuck.map(({ file }) => file.ref) };
}
