import type { Job } from "../../jobs/job.ts";
import { readRow } from "./job-rows.ts";

/** Looked through at most, the newest first: a page must not wait for the whole history. */
export const MAX_LOOKED_AT = 20_000;
/** More jobs do not have the same file. */
export const MAX_SHARING = 20;

/** A text as it stands inside JSON, by which a row is found that may have it. */
export function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The first of some rows of `jobs` with a file of a name; their text says only that one may have it. */
export function firstThatHas(rows: readonly unknown[], name: string): Job | undefined {
  return rows
    .map(readRow)
    .find(({ media }) =>
      media.some(({ path, url, copies }) => [path, url, ...copies].includes(name)),
    );
}
