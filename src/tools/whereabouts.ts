import type { Caller } from "../core/caller.ts";
import { toAppError } from "../core/errors.ts";
import { message, oneLine } from "../core/text.ts";
import { withoutPaths } from "../core/without-paths.ts";
import type { Job, Medium } from "../jobs/job.ts";
import type { Standpoint } from "../jobs/view.ts";
import { nameOf } from "../media/media-store.ts";
import type { DownloadLinks, LinkMaker } from "../public/download-links.ts";
import type { Settings } from "../settings/settings.ts";

/** How a caller is told of files: on this machine by their paths, elsewhere by links. */
export interface Whereabouts {
  /** Where the caller gets a finished file; `undefined` where there is no way but its resource. */
  placeOf(job: Pick<Job, "owner" | "jobId">, medium: Medium): string | undefined;
  /** What a file is called in a sentence. */
  nameOf(path: string): string;
  /** Copies that the caller can find. */
  copiesOf(medium: Medium): readonly string[];
  /** Whether finished files lie in folders; their keys in a bucket are no paths. */
  hasPaths: boolean;
  /** A sentence of ours, as the caller may read it. */
  say(sentence: string): string;
  /** What is to be said of the places, once in an answer. */
  notes: readonly string[];
}

export const ON_THIS_MACHINE: Whereabouts = {
  placeOf: (_job, { path }) => path,
  nameOf: (path) => path,
  copiesOf: ({ copies }) => copies,
  hasPaths: true,
  say: (sentence) => sentence,
  notes: [],
};

/** Finished files lie in a bucket, and copies of them on this machine. */
function withBucket(maker: LinkMaker): Whereabouts {
  return {
    ...ON_THIS_MACHINE,
    ...inLinks(maker),
    nameOf,
    hasPaths: false,
    notes: "until" in maker ? [linkNote(maker, ON_THIS_MACHINE)] : [],
  };
}

/** Where whoever has no path finds files. */
function inLinks(maker: LinkMaker): Pick<Whereabouts, "placeOf"> {
  return {
    placeOf: ({ owner, jobId }, { index }) =>
      "addressOf" in maker ? maker.addressOf({ owner, jobId, index }) : undefined,
  };
}

/** Sentences of ours, as a caller may read them: elsewhere, paths of this machine tell nothing. */
export function sentencesFor(
  { isRemote }: Caller,
  settings: Settings,
): Pick<Whereabouts, "say" | "nameOf"> {
  if (!isRemote) return ON_THIS_MACHINE;
  const { outputDir, dataDir, workingDir, homeDir, allowedDirs, saveDirs } = settings;
  const folders = [outputDir, dataDir, workingDir, homeDir, ...allowedDirs, ...saveDirs];
  return { say: (sentence) => withoutPaths(sentence, folders), nameOf };
}

/** Where things are for a caller. */
export async function whereaboutsFor(
  caller: Caller,
  settings: Settings,
  links: DownloadLinks,
): Promise<Whereabouts> {
  if (!caller.isRemote && !settings.mediaBucket) return ON_THIS_MACHINE;
  const maker = await links.maker(toAppError);
  if (!caller.isRemote) return withBucket(maker);
  const sentences = sentencesFor(caller, settings);
  return {
    ...sentences,
    ...inLinks(maker),
    copiesOf: () => [],
    hasPaths: settings.mediaBucket === undefined,
    notes: [linkNote(maker, sentences)],
  };
}

/** How long links last, or why there are none. */
export function linkNote(maker: LinkMaker, { say }: Pick<Whereabouts, "say">): string {
  if ("until" in maker) {
    const until = new Date(maker.until).toISOString().slice(0, 16).replace("T", " ");
    return `Links to files last until ${until} UTC, and as long as their job.`;
  }
  const { refusal } = maker;
  return `There are no links to files: ${message(say(refusal.message))} ${message(say(refusal.next))}`;
}

/** A job as a caller may read it: its sentences name no place that is not theirs. */
export function seenBy<J extends Job>({ say }: Pick<Whereabouts, "say">, job: J): J {
  const { error, warnings } = job;
  return {
    ...job,
    warnings: warnings.map(say),
    error: error && { ...error, message: say(error.message) },
  };
}

/** How a job's own view names its files. */
export function standpointIn(
  where: Whereabouts,
  job: Job,
  isServed: (url: string) => boolean,
): Standpoint {
  return {
    isServed,
    placeOf(medium) {
      const place = where.placeOf(job, medium);
      if (where === ON_THIS_MACHINE) return { path: medium.path };
      const path = where.hasPaths ? {} : { path: null };
      return place === undefined ? path : { ...path, download_url: place };
    },
  };
}

/** Where a caller finds a file, in lines of their own under its number. */
export function placeLine(where: Whereabouts, job: Job, medium: Medium): string {
  return oneLine(where.placeOf(job, medium) ?? where.nameOf(medium.path));
}
