import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { JOB_ID_PATTERN } from "../core/id-patterns.ts";
import { oneLine } from "../core/text.ts";
import { deletionText } from "../jobs/deletion-text.ts";
import { removeDoomed } from "../jobs/doomed-files.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Settings } from "../settings/settings.ts";

const DAYS = { d: 1, w: 7 } as const;
const PAGE = 100;
/** How many jobs that stay are named. */
const MAX_NAMED = 20;
const ADVICE =
  "`jobs delete` takes a job_id, or --older-than with an age in days or weeks, as 90d or 12w; and --files.";

/** The options that the command was given. */
export interface DeletionOptions {
  olderThan: string | undefined;
  withFiles: boolean;
}

/** Which jobs are to go. */
export interface DeletionOrder {
  which: { jobId: string } | { age: string; ms: number };
  withFiles: boolean;
}

interface Surroundings {
  settings: Settings;
  owner: string;
  /** Milliseconds since the epoch. */
  now: number;
  write: (text: string) => void;
}

/** @throws {invalid_input} for anything but one of the two ways to say which. */
export function readDeletion(
  jobId: string | undefined,
  { olderThan, withFiles }: DeletionOptions,
): DeletionOrder {
  if ((jobId === undefined) === (olderThan === undefined)) {
    throw new AppError("invalid_input", ADVICE);
  }
  if (jobId !== undefined) {
    if (JOB_ID_PATTERN.test(jobId)) return { which: { jobId }, withFiles };
    throw new AppError("invalid_input", `"${oneLine(jobId, 60)}" is no job_id. ${ADVICE}`);
  }
  const [, count, unit] = /^([1-9]\d{0,4})([dw])$/.exec(olderThan ?? "") ?? [];
  if (count === undefined) {
    throw new AppError("invalid_input", `"${oneLine(olderThan ?? "", 60)}" is no age. ${ADVICE}`);
  }
  const days = Number(count) * DAYS[unit === "w" ? "w" : "d"];
  return { which: { age: `${count}${unit}`, ms: days * DAY_MS }, withFiles };
}

/**
 * Deletes a job, or all that are so old, and says what it did. It asks nothing.
 * @throws {not_found | invalid_input} for one that stays
 */
export async function deleteJobs(
  store: JobStore,
  surroundings: Surroundings,
  { which, withFiles }: DeletionOrder,
): Promise<void> {
  const { owner, now, write } = surroundings;
  if ("age" in which) return deleteOld(store, surroundings, { ...which, withFiles });
  const { deleted, refused } = await store.delete(owner, [which.jobId], { withFiles, now });
  for (const error of refused) throw error;
  const stuck = withFiles
    ? await removeFiles(store, surroundings.settings, new Set([which.jobId]))
    : [];
  for (const job of deleted) write(`${deletionText(job, withFiles, stuck)}\n`);
}

async function deleteOld(
  store: JobStore,
  { owner, now, settings, write }: Surroundings,
  { age, ms, withFiles }: { age: string; ms: number; withFiles: boolean },
): Promise<void> {
  const found = await startedBefore(store, owner, now - ms);
  const counts = { files: 0, copies: 0 };
  const gone = new Set<string>();
  const refused: AppError[] = [];
  for (let first = 0; first < found.length; first += PAGE) {
    const wishes = { withFiles, now };
    const some = await store.delete(owner, found.slice(first, first + PAGE), wishes);
    refused.push(...some.refused.filter(({ code }) => code !== "not_found"));
    for (const { jobId, media } of some.deleted) {
      gone.add(jobId);
      counts.files += media.length;
      counts.copies += media.flatMap(({ copies }) => copies).length;
    }
  }
  const stuck = withFiles ? await removeFiles(store, settings, gone) : [];
  const files = withFiles
    ? `${counts.files - stuck.length} of their ${counts.files} files are deleted, ${counts.copies} copies stay`
    : `their ${counts.files} files and ${counts.copies} copies stay`;
  write(`${gone.size} jobs older than ${age} are deleted; ${files}.\n`);
  for (const path of stuck)
    write(`${oneLine(path)} cannot be removed yet; the next start tries.\n`);
  if (refused.length > 0) write(`${refused.length} older ones stay:\n`);
  for (const { message, next } of refused.slice(0, MAX_NAMED)) write(`- ${message} ${next}\n`);
  if (refused.length > MAX_NAMED) write(`- and ${refused.length - MAX_NAMED} more\n`);
}

async function startedBefore(store: JobStore, owner: string, before: number): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ owner, limit: PAGE, cursor });
    found.push(
      ...page.jobs.filter(({ createdAt }) => createdAt < before).map(({ jobId }) => jobId),
    );
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

/** @returns those of some jobs that cannot be removed. */
async function removeFiles(
  store: JobStore,
  settings: Settings,
  jobIds: ReadonlySet<string>,
): Promise<string[]> {
  const { withCommandMedia } = await import("./command-media.ts");
  const left = await withCommandMedia(settings, (media) =>
    removeDoomed(store, (owner, ref) => media.delete(owner, ref)),
  );
  return left.flatMap(({ file }) => (jobIds.has(file.jobId) ? [file.ref] : []));
}
