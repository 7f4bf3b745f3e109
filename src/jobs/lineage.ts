import { uris } from "../core/uris.ts";
import type { Job, Medium, WholeJob } from "./job.ts";
import type { ListedJob } from "./job-store.ts";
import { SPOKEN } from "./job-words.ts";

/** Who knows which jobs were given which files. All methods throw {storage}. */
export interface LineageRecord {
  /**
   * The jobs of an owner that came after another one and were given a file by one of some names;
   * newest first.
   * @param operations only those that take files.
   */
  thatName(
    owner: string,
    names: readonly string[],
    after: Pick<Job, "jobId">,
    operations: readonly string[],
    limit: number,
  ): Promise<ListedJob[]>;
  /** The job of an owner that has a file by its place, a copy's place, or where it was served. */
  thatHas(owner: string, name: string): Promise<Job | undefined>;
}

/** By what a call may name a finished file. */
export function namesOf(
  { jobId }: Pick<Job, "jobId">,
  { index, path, url, copies }: Medium,
): string[] {
  return [uris.medium(jobId, index), path, ...copies, ...(url === "" ? [] : [url])];
}

/** What a job was given that may name files: all of its texts but those that are words. */
export function namedIn({ input }: Pick<WholeJob, "input">): string[] {
  return Object.entries(input)
    .filter(([argument]) => !SPOKEN.has(argument))
    .flatMap(([, value]) => value)
    .filter((one): one is string => typeof one === "string");
}

export function isNamedIn(job: Pick<WholeJob, "input">, names: readonly string[]): boolean {
  return namedIn(job).some((one) => names.includes(one));
}
