import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../core/errors.ts";

/** Where a caller may point at files, and what `~` and relative paths refer to. All absolute. */
export interface Places {
  allowedDirs: readonly string[];
  workingDir: string;
  homeDir: string;
  /** `allowedDirs` with all links followed, if that is known: see {@link resolvePlaces}. */
  realDirs?: readonly string[];
}

/** For opening a file that may turn out to be a pipe or device, without waiting for it. */
export const READ_UNBLOCKED =
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** An open file that lay inside an allowed folder when it was opened. The caller closes it. */
export interface AllowedFile {
  handle: FileHandle;
  size: number;
  /** Where it lies once all links are followed. */
  realPath: string;
}

/**
 * Opens a caller's file for reading. It is the open descriptor that is judged, and read from
 * afterwards, so exchanging the path under our hands gains nothing: a pipe or device never blocks,
 * and what is not a regular file inside an allowed folder is closed unread.
 * @param path absolute, relative, `~/…` or a `file://` URL.
 * @throws {invalid_input}
 */
export async function openAllowedFile(path: string, places: Places): Promise<AllowedFile> {
  const target = absolutePath(path, places);
  const allowed = await realDirsOf(places);
  const isAllowed = (real: string) => allowed.some((dir) => isInside(dir, real));
  // What lies elsewhere is not even opened, and not told apart from what does not exist.
  const expected = await realpath(target).catch((error: unknown) => {
    const looksAllowed = [...places.allowedDirs, ...allowed].some((dir) => isInside(dir, target));
    throw looksAllowed ? unreadable(target, places, error) : outside(target, places, error);
  });
  if (!isAllowed(expected)) throw outside(target, places);

  const handle = await open(target, READ_UNBLOCKED).catch((error: unknown) => {
    throw unreadable(target, places, error);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) {
      const what = found.isDirectory() ? "a folder" : "not a regular file";
      throw new AppError("invalid_input", `${target} is ${what}.`, { next: whatMayBeRead(places) });
    }
    const realPath = await pathOf(handle, target);
    if (realPath === undefined || !isAllowed(realPath)) throw outside(target, places);
    return { handle, size: found.size, realPath };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Follows the links of the allowed folders once, for opening many files in a row. */
export async function resolvePlaces(places: Places): Promise<Places> {
  return { ...places, realDirs: await realDirsOf(places) };
}

/** The allowed folders with all links followed. */
export async function realDirsOf({ realDirs, allowedDirs }: Places): Promise<readonly string[]> {
  return realDirs ?? Promise.all(allowedDirs.map(realOrSame));
}

/**
 * The real path of a caller's folder.
 * @throws {invalid_input} when it is not a folder inside an allowed one.
 */
export async function allowedFolder(path: string, places: Places): Promise<string> {
  const target = absolutePath(path, places);
  const real = await realpath(target).catch(() => undefined);
  const allowed = await realDirsOf(places);
  if (real === undefined || !allowed.some((dir) => isInside(dir, real))) {
    throw outside(target, places);
  }
  return real;
}

/** @throws {invalid_input} for a `file://` URL of another machine. */
export function absolutePath(path: string, { homeDir, workingDir }: Places): string {
  let local = path;
  if (/^file:/i.test(path)) {
    try {
      local = fileURLToPath(path);
    } catch (error) {
      throw new AppError("invalid_input", `${path} names no file of this machine.`, {
        cause: error,
      });
    }
  }
  if (local.includes("\0")) throw new AppError("invalid_input", "A path has a NUL character.");
  const expanded = local.replace(/^~(?=$|[/\\])/, () => homeDir);
  return isAbsolute(expanded) ? resolve(expanded) : resolve(workingDir, expanded);
}

/** Whether `path` is `folder` or lies in it; both absolute, compared as they are written. */
export function isInside(folder: string, path: string): boolean {
  // What is usual is found without taking the paths apart.
  if (path.startsWith(folder + sep) || path === folder) return true;
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !/^\.\.[/\\]/.test(way) && !isAbsolute(way));
}

/** The path with all links followed; as it is where it does not exist. */
export async function realOrSame(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/**
 * Where an open file lies. Linux tells it of the descriptor itself; elsewhere the name is asked,
 * and counts only while it names this very file.
 */
async function pathOf(handle: FileHandle, target: string): Promise<string | undefined> {
  const told = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (told !== undefined) return told;
  const named = await realOrSame(target);
  const [own, other] = await Promise.all([
    handle.stat({ bigint: true }),
    stat(named, { bigint: true }).catch(() => undefined),
  ]);
  return other?.ino === own.ino && other.dev === own.dev ? named : undefined;
}

function outside(target: string, places: Places, cause?: unknown): AppError {
  const isUpload = /^[/\\]mnt[/\\]/.test(target);
  const message = isUpload
    ? `${target} is a place of the chat application, which this program cannot see.`
    : `${target} is outside the allowed folders, or does not exist.`;
  return new AppError("invalid_input", message, {
    cause,
    next: `Put the file into ${places.allowedDirs.join(" or ")}, or add its folder with LONGCAT_MCP_INPUT_DIRS.`,
  });
}

function unreadable(target: string, places: Places, cause: unknown): AppError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = code === "ENOENT" ? "does not exist" : `cannot be read${code ? ` (${code})` : ""}`;
  return new AppError("invalid_input", `${target} ${reason}.`, {
    cause,
    next: whatMayBeRead(places),
  });
}

function whatMayBeRead({ allowedDirs }: Places): string {
  return `Name a regular file in ${allowedDirs.join(" or ")}, or add a folder with LONGCAT_MCP_INPUT_DIRS.`;
}
