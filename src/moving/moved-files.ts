import { createHash } from "node:crypto";
import { extname } from "node:path";
import type { Readable } from "node:stream";
import * as z from "zod";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { type MediaNaming, type MediaRef, type MediaStore, nameOf } from "../media/media-store.ts";

/** The store that has the files, and the one that gets them. */
export type SourceFiles = Pick<MediaStore, "open" | "stat" | "thumbnail">;
export type TargetFiles = Pick<
  MediaStore,
  "put" | "stat" | "open" | "list" | "delete" | "keepThumbnail" | "clearDrafts" | "makeRoom"
>;

export interface FilesEnds {
  from: SourceFiles;
  to: TargetFiles;
  /** Whether a file of one owner's that becomes another's lies elsewhere then. */
  isElsewhere: (before: string, after: string) => boolean;
}

const mediaSchema = z.array(
  z.looseObject({
    index: z.number(),
    role: z.string().optional(),
    path: z.string(),
    sizeBytes: z.number(),
    sha256: z.string(),
  }),
);
type MovedMedium = z.output<typeof mediaSchema>[number];

/** So long a store of files is patient, wherever it is written to. */
const TRIED_AGAIN =
  "It is tried again for ten minutes; ended before that, the same command goes on where it was.";

/** Whose files they are, and what they are named after. */
export interface FilesJob {
  jobId: string;
  operation: string;
  createdAt: number;
  words: string;
  /** Here, and at the target. */
  before: string;
  after: string;
}

/** How many files went along, and what is to be said of others. */
export interface FilesSum {
  copied: number;
  bytes: number;
  /** Files that a job has and the disk does not. */
  missing: number;
  /** Files that are no longer what was recorded: they go along as they are. */
  changed: number;
}

/** What the files of a row of `jobs` are called. */
export function refsIn(media: string): string[] {
  return mediaSchema.parse(JSON.parse(media)).map(({ path }) => path);
}

/** Copies the finished files of jobs, each of them compared by its digest. */
export class MovedFiles {
  readonly sum: FilesSum = { copied: 0, bytes: 0, missing: 0, changed: 0 };
  readonly #ends: FilesEnds;
  /** By owner, what an earlier try has left; only where there was one. */
  readonly #left = new Map<string, Set<MediaRef>>();
  readonly #isResumed: boolean;
  readonly #say: (text: string) => void;
  #said: string | undefined;

  /**
   * @param isResumed an earlier try may have copied files that no job of the target has yet.
   * @param say hears why it waits, a line for whoever watches.
   */
  constructor(ends: FilesEnds, isResumed: boolean, say: (text: string) => void) {
    this.#ends = ends;
    this.#isResumed = isResumed;
    this.#say = say;
  }

  /**
   * @param media as a row has them, as JSON.
   * @returns the same with what the target calls the files.
   * @throws {storage} for a file that did not arrive as it is
   */
  async move(media: string, job: FilesJob): Promise<string> {
    if (media === "[]" || !this.#ends.isElsewhere(job.before, job.after)) return media;
    const { from, to } = this.#ends;
    await to.makeRoom(job.after);
    const { after: owner, jobId, createdAt } = job;
    if (this.#isResumed) await to.clearDrafts({ owner, jobId, createdAt });
    const moved = [];
    for (const medium of mediaSchema.parse(JSON.parse(media))) {
      const found = await from.stat(job.before, medium.path);
      if (!found) this.sum.missing++;
      moved.push(found ? { ...medium, ...(await this.#copy(medium, job)) } : medium);
    }
    return JSON.stringify(moved);
  }

  async #copy(medium: MovedMedium, job: FilesJob) {
    const { from, to } = this.#ends;
    const sha256 = await digestOf(await from.open(job.before, medium.path));
    if (sha256 !== medium.sha256) this.sum.changed++;
    const kept =
      (await this.#alreadyThere(medium, job, sha256)) ??
      (await to.put(await from.open(job.before, medium.path), namingOf(medium, job), {
        waiting: (why) => this.#wait(why),
      }));
    const there = await to.stat(job.after, kept.ref);
    if (kept.sha256 !== sha256 || there?.sizeBytes !== kept.sizeBytes) {
      throw new AppError(
        "storage",
        `${oneLine(medium.path)} did not arrive as it is: ${oneLine(kept.ref)} has another digest or size.`,
        { next: "Nothing here was changed; run this again." },
      );
    }
    const thumbnail = await from.thumbnail(job.before, medium.path);
    // Whoever has none makes it.
    if (thumbnail) await to.keepThumbnail(job.after, kept.ref, thumbnail).catch(() => undefined);
    this.sum.copied++;
    this.sum.bytes += kept.sizeBytes;
    return { path: kept.ref, sizeBytes: kept.sizeBytes, sha256 };
  }

  #wait(why: string): void {
    if (this.#said === why) return;
    this.#said = why;
    this.#say(`${why} ${TRIED_AGAIN}`);
  }

  /** What an earlier try has kept and not recorded: a store that never overwrites keeps two. */
  async #alreadyThere(
    { index, role, path }: MovedMedium,
    { after, jobId }: FilesJob,
    sha256: string,
  ) {
    if (!this.#isResumed) return undefined;
    const { to } = this.#ends;
    let left = this.#left.get(after);
    if (!left) {
      left = new Set();
      for await (const ref of to.list(after)) left.add(ref);
      this.#left.set(after, left);
    }
    const ending = `${jobId.slice(-6)}-${role ?? index}.`;
    for (const ref of left) {
      // A store that knows the files here as well lists them, and they are to be copied.
      if (ref === path || !nameOf(ref).includes(ending)) continue;
      const there = await to.stat(after, ref);
      if (there && (await digestOf(await to.open(after, ref))) === sha256) {
        left.delete(ref);
        return { ref, sizeBytes: there.sizeBytes, sha256 };
      }
    }
    return undefined;
  }
}

function namingOf({ index, role, path }: MovedMedium, job: FilesJob): MediaNaming {
  const { jobId, operation, createdAt, words, after } = job;
  return {
    ...{ owner: after, jobId, operation, createdAt, words },
    index: role ?? index,
    extension: extname(nameOf(path)).slice(1) || "bin",
  };
}

async function digestOf(content: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(Buffer.from(chunk));
  return hash.digest("hex");
}
