import type { Medium } from "../jobs/job.ts";

/** Some of a job's files: what was made of all of them is worth more than one of many. */
export function someOf(media: readonly Medium[], most: number): readonly Medium[] {
  if (media.length <= most) return media;
  const made = media.filter((medium) => medium.role !== undefined).slice(0, most);
  const own = media.filter((medium) => medium.role === undefined).slice(0, most - made.length);
  return [...own, ...made].sort((a, b) => a.index - b.index);
}
