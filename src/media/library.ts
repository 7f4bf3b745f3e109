import { constants } from "node:fs";
import {
  access,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  stat,
  statfs,
  unlink,
} from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join, parse, relative, resolve } from "node:path";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import { realOrSame } from "./files.ts";
import { isInside } from "./paths.ts";

const MAX_WORDS = 6;
const MAX_WORDS_LENGTH = 48;
const MAX_NAME_TRIES = 10_000;
const PICTURE_ROOM_BYTES = 64 * 1024 * 1024;
const TOKEN_LENGTH = 10;
const WEIGHTS_ROOM_BYTES = 2 * 1024 * 1024 * 1024;

export interface LibraryOptions {
  /** Where originals are kept. Absolute. */
  outputDir: string;
  /** Folders that `save_to` may name, the output folder included. Absolute. */
  allowedDirs: readonly string[];
  /** What relative paths and `~` refer to. */
  workingDir: string;
  homeDir: string;
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
  async checkRoom(
    media: "images" | "layers" | "weights",
    count: number,
    saveTo: string | undefined,
  ): Promise<void> {
    const { outputDir } = this.#options;
    try {
      await mkdir(outputDir, { recursive: true });
      await access(outputDir, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new AppError("storage", `The output folder ${outputDir} cannot be written.`, {
        cause: error,
        next: "Make it writable or set LONGCAT_MCP_OUTPUT_DIR; nothing was bought.",
      });
    }
    const needed = media === "weights" ? WEIGHTS_ROOM_BYTES : PICTURE_ROOM_BYTES * count;
    const disk = await statfs(outputDir);
    if (disk.bavail * disk.bsize < needed) {
      const megabytes = Math.ceil(needed / 1024 / 1024);
      throw new AppError(
        "storage",
        `The disk of ${outputDir} has less than the ${megabytes} MiB free that this job may need.`,
        { next: "Free space or set LONGCAT_MCP_OUTPUT_DIR; nothing was bought." },
      );
    }
    if (saveTo !== undefined) await this.#resolveSaveTo(saveTo);
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
    await orStorage(folder, () => mkdir(folder, { recursive: true }));
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
      const path = await placeWithoutOverwriting(folder, name, naming.extension, (target) =>
        moveExclusively(partial, target),
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
   * Copies finished files to where the caller asked for them; several get numbered names.
   * @returns the absolute paths of the copies, in order.
   * @throws {invalid_input | storage}
   */
  async copyTo(saveTo: string, originals: readonly string[]): Promise<string[]> {
    const { folder, name } = await this.#resolveSaveTo(saveTo);
    return orStorage(folder, async () => {
      const copies: string[] = [];
      await mkdir(folder, { recursive: true });
      for (const [position, original] of originals.entries()) {
        const extension = extname(original);
        const number = originals.length > 1 ? `-${position + 1}` : "";
        const stem = name === undefined ? parse(original).name : `${parse(name).name}${number}`;
        copies.push(await this.#copy(original, folder, stem, extension.slice(1)));
      }
      return copies;
    });
  }

  /** Has its name only once it is whole. */
  async #copy(original: string, folder: string, stem: string, extension: string): Promise<string> {
    const partial = join(folder, `.${this.#token}-${++this.#partials}.partial`);
    try {
      await copyFile(original, partial, constants.COPYFILE_EXCL);
      await syncFile(partial);
      return await placeWithoutOverwriting(folder, stem, extension, (target) =>
        moveExclusively(partial, target),
      );
    } catch (error) {
      await this.discard([partial]);
      throw error;
    }
  }

  /** Removes files that nothing refers to. */
  async discard(paths: readonly string[]): Promise<void> {
    await Promise.all(paths.map((path) => unlink(path).catch(() => undefined)));
  }

  /**
   * What `save_to` means: a folder if it is one, ends with a separator or has no extension, else
   * a file name. Links are followed before the allowed folders are asked.
   */
  async #resolveSaveTo(saveTo: string): Promise<{ folder: string; name: string | undefined }> {
    const { homeDir, workingDir, allowedDirs } = this.#options;
    const expanded = saveTo.replace(/^~(?=$|[/\\])/, homeDir);
    const target = isAbsolute(expanded) ? resolve(expanded) : resolve(workingDir, expanded);
    const isFolder = /[/\\]$/.test(saveTo) || extname(target) === "" || (await isDirectory(target));
    const folder = isFolder ? target : dirname(target);
    const existing = await nearestExisting(folder);
    const real = await realpath(existing);
    const allowed = await Promise.all(allowedDirs.map(realOrSame));
    if (!allowed.some((dir) => isInside(dir, real))) {
      throw new AppError(
        "invalid_input",
        `\`save_to\`: ${folder} is outside the allowed folders.`,
        {
          next: `Choose a place inside ${allowedDirs.join(" or ")}, or add one with LONGCAT_MCP_INPUT_DIRS.`,
        },
      );
    }
    try {
      await access(existing, constants.W_OK | constants.X_OK);
      if (!(await isDirectory(existing))) throw new AppError("invalid_input", "not a folder");
    } catch (error) {
      throw new AppError("invalid_input", `\`save_to\`: ${existing} cannot be written.`, {
        cause: error,
      });
    }
    return {
      folder: join(real, relative(existing, folder)),
      name: isFolder ? undefined : basename(target),
    };
  }

  #folder(createdAt: number): string {
    return join(this.#options.outputDir, new Date(createdAt).toISOString().slice(0, 10));
  }
}

/** The first words of any text as a harmless part of a file name; "" when nothing is left. */
export function slug(text: string): string {
  const words = text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, " ")
    .trim()
    .split(" ")
    .slice(0, MAX_WORDS)
    .join("-");
  return words.slice(0, MAX_WORDS_LENGTH).replace(/-+$/, "");
}

/** What the disk refuses, as an error that says so. */
async function orStorage<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("storage", `${folder} cannot be written.`, { cause: error });
  }
}

async function placeWithoutOverwriting(
  folder: string,
  stem: string,
  extension: string,
  place: (target: string) => Promise<void>,
): Promise<string> {
  for (let attempt = 1; attempt <= MAX_NAME_TRIES; attempt++) {
    const suffix = attempt === 1 ? "" : `-${attempt}`;
    const target = join(folder, `${stem}${suffix}.${extension}`);
    try {
      await place(target);
      return target;
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
  }
  throw new AppError("storage", `${folder} has no free name for ${stem}.${extension}.`);
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

async function nearestExisting(path: string): Promise<string> {
  let current = path;
  for (;;) {
    try {
      await stat(current);
      return current;
    } catch {
      const parent = dirname(current);
      if (parent === current) return current;
      current = parent;
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
