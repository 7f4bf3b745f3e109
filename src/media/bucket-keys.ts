import { fittingName } from "./file-names.ts";
import {
  type DraftNaming,
  type MediaNaming,
  type MediaRef,
  nameOf,
  stemOf,
} from "./media-store.ts";
import { ownerFolder } from "./owner-folder.ts";

/** Hidden, beside the files themselves. */
const THUMBNAILS = ".thumbnails";
/** Below what all keys of finished files begin with. */
const MEDIA = "media";
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * What files are called in a bucket: `<prefix>/media/<owner>/<day>/<job>/<name>`. A job's file is
 * called the same whoever writes it, so that of two processes that take themselves for the job's
 * holder neither leaves a second one.
 */
export class BucketKeys {
  readonly #root: string;
  readonly #keepPrompts: boolean;

  /** @param prefix of the bucket's address. */
  constructor(prefix: string, keepPrompts = true) {
    this.#root = `${prefix === "" ? "" : `${prefix}/`}${MEDIA}/`;
    this.#keepPrompts = keepPrompts;
  }

  /** @throws {configuration} for an owner whose id is no name. */
  keyOf(naming: MediaNaming): MediaRef {
    const name = fittingName(stemOf(naming, this.#keepPrompts), `.${naming.extension}`);
    return this.ofJob(naming) + name;
  }

  /** What the keys of a job's files begin with. @throws {configuration} */
  ofJob({ owner, jobId, createdAt }: Omit<DraftNaming, "index">): string {
    const day = new Date(createdAt).toISOString().slice(0, 10);
    return `${this.ofOwner(owner)}${day}/${jobId}/`;
  }

  /** What the keys of an owner's files begin with. @throws {configuration} */
  ofOwner(owner: string): string {
    return `${this.#root}${ownerFolder(owner)}/`;
  }

  /** Whether a key is that of a finished file of an owner's, under whatever prefix it was kept. */
  isOf(owner: string, ref: MediaRef): boolean {
    const names = ref.split("/");
    const [media, whose, day = "", job = "", name = ""] = names.slice(-5);
    return (
      media === MEDIA &&
      whose === ownerFolder(owner) &&
      DAY.test(day) &&
      job.startsWith("job_") &&
      !name.startsWith(".") &&
      names.every((one) => one !== "" && one !== "." && one !== "..")
    );
  }

  thumbnailOf(ref: MediaRef): string {
    const name = nameOf(ref);
    return `${ref.slice(0, -name.length)}${THUMBNAILS}/${name}.webp`;
  }
}
