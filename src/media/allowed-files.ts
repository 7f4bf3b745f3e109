import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { platform } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../core/errors.ts";
import type { Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";
import type { OpenedPlaces } from "./opened-folders.ts";
import { absolutePath, isInside, isUpload, type Surrounding, shownFolders } from "./paths.ts";
import { type PlaceNeed, placeQuestion } from "./place-question.ts";

/** As many as systems follow. */
const MAX_LINKS = 40;

/** Where a caller may point at files, and what `~` and relative paths refer to. All absolute. */
export interface Places extends Surrounding {
  allowedDirs: readonly string[];
  /** What lies in an allowed folder and belongs to somebody else: nobody names it by its path. */
  closedDirs?: readonly string[];
  /** What the user has opened beside those. Without it, nobody is asked. */
  opened?: OpenedPlaces | undefined;
  /** All that is allowed with all links followed, if that is known: see {@link resolvePlaces}. */
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
  const isAllowed = await allowanceOf(places);
  const leads = await whereItLeads(target, places);
  // What lies elsewhere is not even opened, and not told apart from what does not exist.
  if (!isAllowed(leads)) throw await refusalOf(target, leads, "read-file", places);

  const handle = await open(target, READ_UNBLOCKED).catch((error: unknown) => {
    throw unreadable(target, places, error);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) {
      const what = found.isDirectory() ? "a folder" : "not a regular file";
      throw new AppError("invalid_input", `${oneLine(target)} is ${what}.`, {
        next: whatMayBeRead(places),
      });
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

/** Judges whether what lies at a path, all its links followed, may be named by it. */
export async function allowanceOf(places: Places): Promise<(real: string) => boolean> {
  const [allowed, isClosed] = await Promise.all([realDirsOf(places), closureOf(places)]);
  return (real) => allowed.some((dir) => isInside(dir, real)) && !isClosed(real);
}

/** Judges whether what lies at a path, all its links followed, is somebody else's. */
export async function closureOf({
  closedDirs = [],
}: Pick<Places, "closedDirs">): Promise<(real: string) => boolean> {
  const closed = (await Promise.all(closedDirs.map(realOrSame))).map(asDiskSees);
  return (real) => closed.some((dir) => isInside(dir, asDiskSees(real)));
}

/** These systems take capitals and small letters for the same. */
function asDiskSees(path: string): string {
  return ["darwin", "win32"].includes(platform()) ? path.toLowerCase() : path;
}

/** The allowed folders, and what the user has opened beside them, with all links followed. */
export async function realDirsOf(places: Places): Promise<readonly string[]> {
  const { realDirs, allowedDirs, opened } = places;
  if (realDirs) return realDirs;
  const real = await Promise.all(allowedDirs.map(realOrSame));
  return [...real, ...((await opened?.toRead()) ?? [])];
}

/**
 * The real path of a caller's folder.
 * @throws {invalid_input} when it is not a folder inside an allowed one.
 */
export async function allowedFolder(path: string, places: Places): Promise<string> {
  const target = absolutePath(path, places);
  const leads = await whereItLeads(target, places);
  const isAllowed = await allowanceOf(places);
  if (!isAllowed(leads)) throw await refusalOf(target, leads, "read-folder", places);
  const found = await stat(leads).catch((error: unknown) => {
    throw unreadable(target, places, error);
  });
  if (found.isDirectory()) return leads;
  throw new AppError("invalid_input", `${oneLine(target)} is not a folder.`, {
    next: whatMayBeRead(places),
  });
}

/** Whether a caller's path, allowed or not, is that of a folder. */
export async function isFolder(path: string, places: Places): Promise<boolean> {
  const found = await stat(absolutePath(path, places)).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

/** The path with all links followed; as it is where it does not exist. */
export async function realOrSame(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/**
 * Where a path leads once all links are followed, those to nothing as well: so a link out of an
 * allowed folder does not tell what exists there.
 */
export async function whereItLeads(
  path: string,
  places: Pick<Places, "allowedDirs">,
): Promise<string> {
  // Asking for a share on Windows would present this user to whoever is named as its server.
  if (isShare(path) && !places.allowedDirs.some((dir) => isInside(dir, path))) return path;
  const follow = async (at: string, links: number): Promise<string> => {
    const real = await realpath(at).catch(() => undefined);
    const above = dirname(at);
    if (real !== undefined || above === at || links === 0) return real ?? at;
    const link = await readlink(at).catch(() => undefined);
    const folder = await follow(above, links);
    return link === undefined
      ? join(folder, basename(at))
      : follow(resolve(folder, link), links - 1);
  };
  return follow(path, MAX_LINKS);
}

/** Whether a path is on another machine, as Windows names them. */
export function isShare(path: string): boolean {
  return platform() === "win32" && /^[\\/]{2}/.test(path);
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

/** Why a place is not read, and what the user may be asked about it. */
async function refusalOf(
  target: string,
  leads: string,
  need: PlaceNeed,
  places: Places,
): Promise<AppError> {
  const isAskable = places.opened && !isUpload(target) && !isShare(leads);
  if (!isAskable || (await closureOf(places))(leads)) return outside(target, places);
  return outside(target, places, placeQuestion({ need, path: leads }, places.homeDir));
}

function outside(target: string, places: Places, question?: Question): AppError {
  const shown = oneLine(target);
  if (isUpload(target)) {
    return new AppError(
      "invalid_input",
      `${shown} is outside the allowed folders: it looks like an upload of the chat application, which this program cannot see.`,
      {
        next: `Give a public URL of it, or the path where it lies on this machine. ${howToAllow(places)}`,
      },
    );
  }
  return new AppError("invalid_input", `${shown} is outside the allowed folders.`, {
    next: howToAllow(places),
    question,
  });
}

function unreadable(target: string, places: Places, cause: unknown): AppError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const isMissing = code === "ENOENT" || code === "ENOTDIR";
  const reason = isMissing ? "does not exist" : `cannot be read${code ? ` (${code})` : ""}`;
  return new AppError("invalid_input", `${oneLine(target)} ${reason}.`, {
    cause,
    next: whatMayBeRead(places),
  });
}

function howToAllow({ allowedDirs }: Places): string {
  return allowedDirs.length === 0
    ? "No folder is allowed yet; name one with LONGCAT_MCP_INPUT_DIRS."
    : `Put the file into ${shownFolders(allowedDirs)}, or add its folder with LONGCAT_MCP_INPUT_DIRS.`;
}

function whatMayBeRead({ allowedDirs }: Places): string {
  return `Name a regular file in ${shownFolders(allowedDirs)}, or add a folder with LONGCAT_MCP_INPUT_DIRS.`;
}
