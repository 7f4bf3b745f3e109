import { oneLine } from "../core/text.ts";
import type { Job } from "./job.ts";

/** How many paths are named. */
const MAX_LISTED = 20;

/**
 * What is told of a job that was deleted, and of its files: those that stay are nowhere else named
 * any more.
 * @param stuck files that were to go and cannot be removed at the moment.
 * @param nameOf what a file is called for whoever is told.
 */
export function deletionText(
  job: Job,
  withFiles: boolean,
  stuck: readonly string[],
  nameOf: (path: string) => string = (path) => path,
): string {
  const own = job.media.map(({ path }) => path);
  const copies = job.media.flatMap((medium) => medium.copies);
  const gone = withFiles ? own.length - stuck.length : 0;
  const files = gone === 0 ? "" : ` ${gone} ${gone === 1 ? "file is" : "files are"} deleted.`;
  return [
    `${job.jobId} is deleted: its prompt and arguments are forgotten.${files}`,
    "What it cost still counts, and an identical call just now would not buy again.",
    ...paths("These could not be removed yet, and will be tried again:", stuck.map(nameOf)),
    ...paths("These files stay:", (withFiles ? copies : [...own, ...copies]).map(nameOf)),
  ].join("\n");
}

function paths(head: string, all: readonly string[]): string[] {
  if (all.length === 0) return [];
  const left = all.length - MAX_LISTED;
  const lines = all.slice(0, MAX_LISTED).map((path) => `   ${oneLine(path)}`);
  return [head, ...lines, ...(left > 0 ? [`   and ${left} more`] : [])];
}
