import { constants } from "node:fs";
import { access, copyFile, link, open, readdir, rename, statfs, unlink } from "node:fs/promises";
import { dirname, extname, join, parse } from "node:path";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { fittingName, type ResultKind, slug } from "./file-names.ts";
import { findSavePlace, type HeldFolder, holdFolder, type SavePlaces } from "./save-place.ts";

const MAX_NAME_TRIES = 10_000;
const PICTURE_ROOM_BYTES = 64 * 1024 * 1024;
const TOKEN_LENGTH = 10;
const WEIGHTS_ROOM_BYTES = 2 * 1024 * 1024 * 1024;

/** `allowedDirs` are the folders that `save_to` may name. */
export interface LibraryOptions extends SavePlaces {
  /** Where originals are kept. Absolute. */
  outputDir: string;
}

/** What a finished file is named after. */
export interface FileNaming {
  operation: string;
  /** The prompt, or whatever describes the job; any text is safe. */
  words: string;
  jobId: string;
  /** A number, or what makes the file different from the numbered ones. */
  index: number | string;
  extension: string;
  createdAt: number;
}

/** What an unfinished file is named after. */
type PartialNaming = Pick<FileNaming, "jobId" | "index" | "createdAt">;

/** Where finished files live and what they are called. */
export class Library {
  readonly #options: LibraryOptions;
  /** Part of the names of unfinished files, so that no other process writes to them. */
  readonly #token = randomToken().slice(0, TOKEN_LENGTH);
  #partials = 0;

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  get outputDir(): string {
    return this.#options.outputDir;
  }

  /**
   * Makes sure that results can be kept, before anything is bought.
   * @throws {storage} when the output folder cannot be written or is too full
   * @throws {invalid_input} when `saveTo` is outside the allowed folders or cannot be written
   */
  async checkRoom(kind: ResultKind, count: number, saveTo: string | undefined): Promise<void> {
    const { outputDir } = this.#options;
    try {
      await makeFolder(outputDir);
      await access(outputDir, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new AppError("storage", `The output folder ${oneLine(outputDir)} cannot be written.`, {
        cause: error,
        next: "Make it writable or set LONGCAT_MCP_OUTPUT_DIR; nothing was bought.",
      });
    }
    const needed = kind === "weights" ? WEIGHTS_ROOM_BYTES : PICTURE_ROOM_BYTES * count;
    await checkFree(outputDir, needed, "set LONGCAT_MCP_OUTPUT_DIR");
    if (saveTo === undefined) return;
    const { existing } = await findSavePlace(saveTo, this.#options, kind);
    await checkFree(existing, needed, "leave `save_to` out");
  }

  /**
   * A hidden name for an unfinished file, in the folder it will end in. Nobody else ever writes to
   * it: not another process that takes itself for the job's holder, nor another try in this one.
   */
  newPartial({ jobId, index, createdAt }: PartialNaming): string {
    const own = `${this.#token}-${++this.#partials}`;
    return join(this.#folder(createdAt), `.${jobId}-${index}.${own}.partial`);
  }

  /**
   * As {@link Library.newPartial}, in a folder that is there.
   * @throws {storage}
   */
  async partialPath(naming: PartialNaming): Promise<string> {
    const partial = this.newPartial(naming);
    await this.makeFolderOf(partial);
    return partial;
  }

  /** @throws {storage} */
  async makeFolderOf(path: string): Promise<void> {
    const folder = dirname(path);
    await orStorage(folder, () => makeFolder(folder));
  }

  /**
   * Removes the unfinished files that other processes have left of a job. One of them that is at
   * work all the same finds nothing to rename in the end, and begins anew.
   */
  async clearPartials({ jobId, createdAt }: Omit<PartialNaming, "index">): Promise<void> {
    const folder = this.#folder(createdAt);
    const names = await readdir(folder).catch(() => []);
    const left = names.filter(
      (name) =>
        name.startsWith(`.${jobId}-`) &&
        /\.partial(?:\.json)?$/.test(name) &&
        !name.includes(`.${this.#token}-`),
    );
    await this.discard(left.map((name) => join(folder, name)));
  }

  /**
   * Gives a finished download its name. Nothing that exists is ever overwritten: the next free
   * numbered name is used.
   * @returns the absolute path.
   * @throws {storage}
   */
  async keep(partial: string, naming: FileNaming): Promise<string> {
    const words = slug(naming.words);
    const short = naming.jobId.slice(-6);
    const name = [naming.operation.replaceAll("_", "-"), words, short, naming.index]
      .filter((part) => part !== "")
      .join("-");
    const folder = this.#folder(naming.createdAt);
    return orStorage(folder, async () => {
      const path = join(
        folder,
        await placeWithoutOverwriting(name, naming.extension, (free) =>
          moveExclusively(partial, join(folder, free)),
        ),
      );
      try {
        await syncFolder(folder);
      } catch (error) {
        // Nobody will know of it: whoever tries again begins anew.
        await this.discard([path]);
        throw error;
      }
      return path;
    });
  }

  /**
   * Copies finished files to where the caller asked for them; several get numbered names. A name
   * that is taken is left as it is: the next free numbered one is used.
   * @returns the absolute paths of the copies, in order.
   * @throws {invalid_input | storage}
   */
  async copyTo(saveTo: string, originals: readonly string[]): Promise<string[]> {
    const place = await findSavePlace(saveTo, this.#options);
    return orStorage(saveTo, async () => {
      const folder = await holdFolder(place);
      try {
        const copies: string[] = [];
        for (const [position, original] of originals.entries()) {
          const number = originals.length > 1 ? `-${position + 1}` : "";
          const stem = place.stem === undefined ? parse(original).name : `${place.stem}${number}`;
          copies.push(await this.#copy(original, folder, stem, extname(original).slice(1)));
        }
        return copies;
      } finally {
        await folder.close();
      }
    });
  }

  /** Has its name only once it is whole. */
  async #copy(
    original: string,
    folder: HeldFolder,
    stem: string,
    extension: string,
  ): Promise<string> {
    const partial = folder.at(`.${this.#token}-${++this.#partials}.partial`);
    let name: string | undefined;
    try {
      await copyFile(original, partial, constants.COPYFILE_EXCL);
      await syncFile(partial);
      name = await placeWithoutOverwriting(stem, extension, (free) =>
        moveExclusively(partial, folder.at(free)),
      );
      await folder.confirm();
      return folder.path(name);
    } catch (error) {
      await this.discard([partial, ...(name === undefined ? [] : [folder.at(name)])]);
      throw error;
    }
  }

  /** Removes files that nothing refers to. */
  async discard(paths: readonly string[]): Promise<void> {
    await Promise.all(paths.map((path) => unlink(path).catch(() => undefined)));
  }

  #folder(createdAt: number): string {
    return join(this.#options.outputDir, new Date(createdAt).toISOString().slice(0, 10));
  }
}

/** @throws {storage} */
async function checkFree(folder: string, needed: number, otherwise: string): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free >= needed) return;
  throw new AppError(
    "storage",
    `The disk of ${oneLine(folder)} has ${byteCount(free)} free, less than the ${byteCount(needed)} that this job may need.`,
    { next: `Free space or ${otherwise}; nothing was bought.` },
  );
}

/** What the disk refuses, as an error that says so. */
async function orStorage<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("storage", `${oneLine(folder)} cannot be written.`, { cause: error });
  }
}

/**
 * Puts a file under the first of the numbered names that is free.
 * @param place fails with `EEXIST` where a name is taken.
 * @returns that name.
 */
async function placeWithoutOverwriting(
  stem: string,
  extension: string,
  place: (name: string) => Promise<void>,
): Promise<string> {
  for (let attempt = 1; attempt <= MAX_NAME_TRIES; attempt++) {
    const suffix = attempt === 1 ? "" : `-${attempt}`;
    const name = fittingName(stem, `${suffix}.${extension}`);
    try {
      await place(name);
      return name;
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
  }
  const taken = oneLine(`${stem}.${extension}`, 80);
  throw new AppError("storage", `${taken} and ${MAX_NAME_TRIES} numbered names are all taken.`);
}

/** A rename that fails instead of replacing what is there. */
async function moveExclusively(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!isCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EMLINK")) throw error;
    return moveWithoutLinks(from, to);
  }
  // From here on the file has its name; the hidden one may have been removed by another process.
  await unlink(from).catch(() => undefined);
}

/** For file systems without hard links: claims the name first, then replaces our own empty file. */
async function moveWithoutLinks(from: string, to: string): Promise<void> {
  await (await open(to, "wx")).close();
  try {
    await rename(from, to);
  } catch (error) {
    await unlink(to);
    throw error;
  }
}

/** Makes sure that a file's content is on disk. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows cannot open folders; its renames are journalled.
    if (!isCode(error, "EISDIR", "EPERM", "EACCES", "EINVAL")) throw error;
  }
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
