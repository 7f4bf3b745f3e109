import { type DownloadOptions, download } from "./download.ts";
import { NotThrough } from "./download-failure.ts";
import type { FetchedType } from "./fetched-type.ts";
import type { KeepOptions, KeptMedium, MediaNaming, MediaStore } from "./media-store.ts";
import type { PartialFile } from "./partial-file.ts";
import { type PictureFacts, pictureFacts } from "./preview.ts";

/** Which file is fetched. */
export interface WantedFile {
  naming: Omit<MediaNaming, "extension">;
  /** Trained weights, of which nobody wants to know how they look. */
  weights: boolean;
  /** Whether nobody has tried yet: only then it may go past the disk. */
  isFirstTry: boolean;
}

export interface FetchOptions extends Omit<DownloadOptions, "signal"> {
  media: Pick<MediaStore, "prepareDraft" | "straight" | "keep">;
  /** Told at each point at which a crash must do no harm. */
  reached: (point: "before-download" | "before-rename" | "after-rename") => void;
}

export interface FetchedFile extends Pick<FetchedType, "mimeType">, KeptMedium {
  /** Of a picture that can be read. */
  facts: PictureFacts | undefined;
}

/**
 * Fetches a file and keeps it: straight from there to where it is kept, where there is such a way;
 * else, and where that way ends, by a draft on this disk, where it can be gone on with, and kept again
 * and again.
 * @param how also of what keeps it from being kept.
 * @param timed is handed the work of fetching, whichever way.
 * @throws {DownloadFailure} or {storage | configuration | cancelled}
 */
export async function fetchFile(
  partial: PartialFile,
  { naming, weights, isFirstTry }: WantedFile,
  { media, reached, ...options }: FetchOptions,
  how: KeepOptions = {},
  timed: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): Promise<FetchedFile> {
  const { path: draft } = partial;
  const put = isFirstTry ? media.straight?.() : undefined;
  const straight = put && { put, naming, whole: () => reached("before-rename") };
  const remote = { ...options, signal: how.signal };
  await media.prepareDraft(draft);
  reached("before-download");
  const got = await timed(() =>
    download(partial, weights, remote, straight).catch((error: unknown) => {
      if (!(error instanceof NotThrough)) throw error;
      how.waiting?.(error.message);
      return download(partial, weights, remote);
    }),
  );
  if ("ref" in got) {
    reached("after-rename");
    return got;
  }
  const facts = got.isPicture && !weights ? await pictureFacts(draft, got.head) : undefined;
  reached("before-rename");
  const named = { extension: got.extension, ...naming };
  const ref = await media.keep(draft, named, { sha256: got.sha256, ...how });
  reached("after-rename");
  return { ...got, ref, facts };
}
