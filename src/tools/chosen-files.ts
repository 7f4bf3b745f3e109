import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { readJobId, readUri, URI_TEMPLATES } from "../core/uris.ts";
import { finishedFile, ownFiles } from "../jobs/finished-file.ts";
import type { Medium, WholeJob } from "../jobs/job.ts";
import type { Services } from "./services.ts";

/** A finished file, and the job that it is of. */
export interface ChosenFile {
  job: WholeJob;
  medium: Medium;
}

/** Which files a caller means. */
export interface FileChoice {
  media?: readonly string[] | undefined;
  jobId?: string | undefined;
  index?: number | undefined;
}

/**
 * The files that a caller means, each once: those that are named, or one or all of a job.
 * @throws {invalid_input | not_found}
 */
export async function chooseFiles(
  services: Services,
  owner: string,
  { media = [], jobId, index }: FileChoice,
): Promise<ChosenFile[]> {
  if (media.length > 0 === (jobId !== undefined)) {
    throw new AppError("invalid_input", "Give either `media` or `job_id`, and not both.");
  }
  if (jobId === undefined && index !== undefined) {
    throw new AppError("invalid_input", "`index` belongs to `job_id`; in `media` it is the end.");
  }
  const jobs = new Map<string, WholeJob>();
  const chosen = new Map<string, ChosenFile>();
  for (const named of jobId === undefined ? media.map(readNamed) : [readGiven(jobId, index)]) {
    const job =
      jobs.get(named.jobId) ??
      (await withFiles(services, await services.jobs.get(owner, named.jobId)));
    jobs.set(named.jobId, job);
    const found = named.index === undefined ? ownFiles(job) : [finishedFile(job, named.index)];
    for (const medium of found) chosen.set(`${job.jobId} ${medium.index}`, { job, medium });
  }
  return [...chosen.values()];
}

/** The provider's files of a job, with an answer as one. @throws {invalid_input} */
export async function filesOf(services: Services, job: WholeJob): Promise<ChosenFile[]> {
  const whole = await withFiles(services, job);
  return ownFiles(whole).map((medium) => ({ job: whole, medium }));
}

/** A short answer is no file before somebody wants it as one. */
async function withFiles(services: Services, job: WholeJob): Promise<WholeJob> {
  return job.operation === CHAT_OPERATION ? services.delegate.withFile(job) : job;
}

function readNamed(text: string): { jobId: string; index: number | undefined } {
  const named = readUri(text);
  if (named?.kind === "medium") return named;
  if (named?.kind === "job") return { jobId: named.jobId, index: undefined };
  throw new AppError(
    "invalid_input",
    `\`media\`: ${oneLine(text, 120)} names no finished file; one is ${URI_TEMPLATES.medium}.`,
    { next: "Take the addresses from `job_status`; nothing was saved." },
  );
}

function readGiven(given: string, index: number | undefined) {
  const jobId = readJobId(given);
  if (jobId !== undefined) return { jobId, index };
  throw new AppError(
    "invalid_input",
    "`job_id` is `job_` and 26 letters or digits, as a start tool gives it.",
  );
}
