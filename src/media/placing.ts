import { link, lstat, open, readdir, rename, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { fittingName, type ResultKind } from "./file-names.ts";
import { MAX_PICTURE_BYTES } from "./largest-files.ts";

const MAX_NAME_TRIES = 10_000;
/** Less than weights may have: a disk need not have room for the largest that are taken. */
const WEIGHTS_ROOM_BYTES = 2 * 1024 * 1024 * 1024;

/** The bytes that so many results may need. */
export function roomFor(kind: ResultKind, count: number): number {
  return kind === "weights" ? WEIGHTS_ROOM_BYTES : MAX_PICTURE_BYTES * count;
}

/**
 * Makes sure that a disk has room, before anything is bought.
 * @param otherwise what can be done but to free some.
 * @throws {storage}
 */
export async function checkFree(folder: string, needed: number, otherwise: string): Promise<void> {
  requireFree(folder, await freeAt(folder), needed, otherwise);
}

/** How many bytes the disk of a folder has free. */
export async function freeAt(folder: string): Promise<number> {
  const disk = await statfs(folder);
  return disk.bavail * disk.bsize;
}

/** As {@link checkFree}, where it is known what is free. @throws {storage} */
export function requireFree(folder: string, free: number, needed: number, otherwise: string): void {
  if (free >= needed) return;
  throw new AppError(
    "storage",
    `The disk of ${oneLine(folder)} has ${byteCount(free)} free, less than the ${byteCount(needed)} that this job may need.`,
    { next: `Free space or ${otherwise}; nothing was bought.` },
  );
}

/** What the disk refuses, as an error that says so. @throws {storage} */
export async function orStorage<T>(folder: string, work: () => Promise<T>): Promise<T> {
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
 * @throws {storage}
 */
export async function placeWithoutOverwriting(
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
export async function moveExclusively(from: string, to: string): Promise<void> {
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
  await (await open(to, "wx", 0o600)).close();
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

/** Makes sure that the names in a folder are on disk. */
export async function syncFolder(folder: string): Promise<void> {
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

const DRAFT = /^\.longcat-[0-9a-z]+\.partial$/;
/** No copy takes so long to be made. */
const LEFT_MS = DAY_MS;

/** What a copy is called, hidden, until it is whole. */
export function newDraftName(): string {
  return `.longcat-${randomToken()}.partial`;
}

/**
 * Removes copies that a killed process has left half made in a folder: those a day older than
 * what this one has just placed there, so that only the disk's own time counts.
 */
export async function clearLeftDrafts(folder: string, placed: string): Promise<void> {
  const changedAt = (path: string) => lstat(path).then(({ mtimeMs }) => mtimeMs);
  try {
    const now = await changedAt(placed);
    for (const name of (await readdir(folder)).filter((one) => DRAFT.test(one))) {
      const path = join(folder, name);
      if (now - (await changedAt(path)) > LEFT_MS) await discard([path]);
    }
  } catch {
    // What is left there is hidden, and the next copy tries again.
  }
}

/** Removes files, as far as that is possible. */
export async function discard(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => unlink(path).catch(() => undefined)));
}

/** Whether the system failed with one of these codes. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
