import type { Job, Medium, MediumRole } from "./job.ts";

/** A file that was made of a job's own files, before it is one of the job's. */
export type MadeFile = Omit<Medium, "index"> & { role: MediumRole };

/**
 * A job's files with one that was made of them, under a number of its own.
 * @param lost the file in whose place it comes, because that is no longer there.
 * @returns the files as they are where somebody else has made it meanwhile.
 */
export function withMade(
  media: readonly Medium[],
  made: MadeFile,
  lost: string | undefined,
): readonly Medium[] {
  const earlier = media.find(({ role }) => role === made.role);
  if (!earlier) {
    return [...media, { ...made, index: Math.max(0, ...media.map(({ index }) => index)) + 1 }];
  }
  if (earlier.path !== lost) return media;
  const { index } = earlier;
  return media.map((one) => (one === earlier ? { ...made, index } : one));
}

/** A job's files with some of them brought back, by their numbers; others stay as they are. */
export function withRestored(
  media: readonly Medium[],
  restored: readonly Medium[],
): readonly Medium[] {
  const others = media.filter(({ index }) => !restored.some((one) => one.index === index));
  return [...others, ...restored].sort((a, b) => a.index - b.index);
}

/**
 * A job's files as they are listed and counted: a sheet that was made for an answer is none to
 * choose from; that of layers came with them.
 */
export function listedFiles({ media }: Pick<Job, "media">): readonly Medium[] {
  const areLayers = media.some(({ role }) => role === "composite");
  return areLayers ? media : media.filter(({ role }) => role !== "sheet");
}
