import { constants } from "node:fs";
import { access, lstat, stat } from "node:fs/promises";
import { platform, release } from "node:os";
import { basename, dirname, extname, join, parse, relative, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import type { Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";
import { closureOf, isShare, realOrSame, whereItLeads } from "./allowed-files.ts";
import { deviceProblem, endingProblem, nameProblem, type ResultKind } from "./file-names.ts";
import type { OpenedPlaces } from "./opened-folders.ts";
import { nearestExisting } from "./output-folder.ts";
import { absolutePath, isInside, isUpload, type Surrounding, shownFolders } from "./paths.ts";
import { isHidden, placeQuestion } from "./place-question.ts";
import { isCode } from "./placing.ts";

/** Some systems bound whole paths. */
const MAX_PATH_BYTES = { darwin: 1_023, linux: 4_095 };
/** An error names all that there are by default, the user's own ones included. */
const MAX_NAMED_PLACES = 10;
/** For the name of a result in a folder. */
const ROOM_FOR_NAME_BYTES = 160;
/** Where a caller may have files written. All absolute. */
export interface SavePlaces extends Surrounding {
  allowedDirs: readonly string[];
  /**
   * Folders of the user's own: what is saved there is a finished file that nothing runs, under the
   * ending of what it is.
   */
  saveDirs?: readonly string[];
  /** What lies in an allowed folder and belongs to somebody else. */
  closedDirs?: readonly string[];
  /** What the user has opened beside those. Without it, nobody is asked. */
  opened?: OpenedPlaces | undefined;
}

/** A place that may be written to. */
export interface SavePlace {
  /** The allowed folder that it lies in, all links followed. */
  root: string;
  /** The folders below it, of which none is a link. */
  folders: readonly string[];
  /** What a file there is to be called, without extension; `undefined` for its own name. */
  stem: string | undefined;
  /** The ending that was given with that name, as it was written. */
  extension: string | undefined;
  /** The nearest folder that is there now. */
  existing: string;
  /** Whether it takes only what nothing runs, because it is allowed for saving alone. */
  isForResultsOnly: boolean;
}

/**
 * What a caller's place for saving means: a folder if it is one, ends with a separator or has no
 * extension, else a file name. It lies in an allowed folder; below that it goes through no link and
 * nothing hidden, and its names are harmless. Nothing is made yet.
 * @param kind what will be saved; without, any extension will do.
 * @throws {invalid_input}
 */
export async function findSavePlace(
  given: string,
  places: SavePlaces,
  kind?: ResultKind,
): Promise<SavePlace> {
  const target = absolutePath(given, places);
  const endsAsFolder = /\/$/.test(given) || (sep === "\\" && /\\$/.test(given));
  const isFolder = endsAsFolder || extname(target) === "" || (await isDirectory(target));
  const { root, below, isForResultsOnly } = await anchorOf(target, isFolder, places);
  const forWindows = isSeenByWindows(target);
  const isClosed = await closureOf(places);
  let at = root;
  for (const name of below) {
    at = join(at, name);
    const problem =
      nameProblem(name, forWindows) ?? (isForResultsOnly ? deviceProblem(name) : undefined);
    if (problem !== undefined) throw refused(`${oneLine(at)} ${problem}.`);
    if (isClosed(at)) throw outside(target, places);
  }
  const name = isFolder ? undefined : basename(target);
  if (name !== undefined && kind !== undefined) {
    const problem = endingProblem(name, kind, isForResultsOnly);
    if (problem !== undefined) {
      throw refused(`${oneLine(name)} ${problem}.`, "End it with / if it is to be a folder.");
    }
  }
  const folders = name === undefined ? below : below.slice(0, -1);
  checkLength(join(root, ...folders), name);
  const existing = await existingOf(root, folders);
  const file = name === undefined ? undefined : parse(name);
  return {
    root,
    folders,
    stem: file?.name,
    extension: file?.ext.slice(1),
    existing,
    isForResultsOnly,
  };
}

/** A folder that may be written to, all its links followed. */
interface Root {
  root: string;
  isForResultsOnly: boolean;
}

/** The allowed folder that a path lies in, and the names from there on. */
async function anchorOf(
  target: string,
  isFolder: boolean,
  places: SavePlaces,
): Promise<Root & { below: string[] }> {
  const { allowedDirs, saveDirs = [], opened } = places;
  const resolved = async (dirs: readonly string[], isForResultsOnly: boolean) =>
    Promise.all(dirs.map(async (dir) => ({ dir, root: await realOrSame(dir), isForResultsOnly })));
  const known = [...(await resolved(allowedDirs, false)), ...(await resolved(saveDirs, true))];
  const [nearest] = known
    .flatMap(({ dir, ...found }) => [
      { as: dir, ...found },
      { as: found.root, ...found },
    ])
    .filter(({ as }) => isInside(as, target))
    .sort((a, b) => b.as.length - a.as.length);
  const found = nearest ?? (await anchorByIdentity(target, known));
  if (found) return { ...found, below: namesBetween(found.as, target) };
  if (!opened || isUpload(target) || isShare(target)) throw outside(target, places);
  const leads = await whereItLeads(target, places);
  const root = (await opened.toSave()).find((dir) => isInside(dir, leads));
  if (root !== undefined) {
    return { root, below: namesBetween(root, leads), isForResultsOnly: true };
  }
  const folder = isFolder ? leads : dirname(leads);
  const isAskable = !isHidden(folder) && !(await closureOf(places))(folder);
  const place = { need: "save", path: folder } as const;
  throw outside(target, places, isAskable ? placeQuestion(place, places.homeDir) : undefined);
}

function outside(
  target: string,
  { allowedDirs, saveDirs = [] }: Pick<SavePlaces, "allowedDirs" | "saveDirs">,
  question?: Question,
): AppError {
  const upload = isUpload(target) ? " It is a place of the chat application, not of this one." : "";
  const places = [...new Set([...allowedDirs, ...saveDirs])];
  const choose =
    places.length === 0
      ? "Leave `save_to` out"
      : `Choose a place inside ${shownFolders(places, MAX_NAMED_PLACES)}`;
  return refused(
    `${oneLine(target)} is outside the allowed folders.${upload}`,
    `${choose}, or ask the user to add one with LONGCAT_MCP_SAVE_DIRS (for saving) or LONGCAT_MCP_INPUT_DIRS (for reading as well).`,
    { question },
  );
}

/** For a path that is written in another case, or leads to an allowed folder by another way. */
async function anchorByIdentity(
  target: string,
  known: readonly Root[],
): Promise<(Root & { as: string }) | undefined> {
  const ids = await Promise.all(known.map(async (one) => ({ ...one, id: await idOf(one.root) })));
  for (const as of wayDown(target)) {
    const id = await idOf(as);
    if (id === undefined) return undefined;
    const same = ids.find((one) => one.id === id);
    if (same) return { ...same, as };
  }
  return undefined;
}

function wayDown(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [...wayDown(above), path];
}

function namesBetween(folder: string, path: string): string[] {
  return relative(folder, path)
    .split(sep)
    .filter((name) => name !== "");
}

async function existingOf(root: string, folders: readonly string[]): Promise<string> {
  let existing = await nearestExisting(root);
  let at = root;
  if (existing === root) {
    for (const name of folders) {
      at = join(at, name);
      const found = await lstat(at).catch((error: unknown) => {
        if (isCode(error, "ENOENT")) return undefined;
        throw refused(`${oneLine(at)} cannot be reached.`, undefined, { cause: error });
      });
      if (!found) break;
      if (found.isSymbolicLink()) throw isLink(at);
      if (!found.isDirectory()) throw refused(`${oneLine(at)} is a file, not a folder.`);
      existing = at;
    }
  } else if (!(await isDirectory(existing))) {
    throw refused(`${oneLine(existing)} is a file, not a folder.`);
  }
  await access(existing, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw refused(`${oneLine(existing)} cannot be written.`, undefined, { cause: error });
  });
  return existing;
}

function checkLength(folder: string, name: string | undefined): void {
  const most = platform() === "darwin" ? MAX_PATH_BYTES.darwin : MAX_PATH_BYTES.linux;
  const bytes =
    Buffer.byteLength(folder) + 1 + Math.max(Buffer.byteLength(name ?? ""), ROOM_FOR_NAME_BYTES);
  if (platform() !== "win32" && bytes > most) {
    throw refused(
      `${oneLine(folder, 80)} with a file in it has more than the ${most} bytes that a path may have.`,
    );
  }
}

/** What a file is on its disk; `undefined` where it is not there. */
export async function idOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
}

/** Follows links. */
async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isSeenByWindows(path: string): boolean {
  return platform() === "win32" || (/^\/mnt\/[a-z]\//.test(path) && /microsoft/i.test(release()));
}

export function isLink(path: string): AppError {
  return refused(
    `${oneLine(path)} is a link or no folder, and nothing is saved through links.`,
    "Name the folder that it leads to, if that is an allowed one.",
  );
}

function refused(
  message: string,
  next?: string,
  more: { cause?: unknown; question?: Question | undefined } = {},
): AppError {
  return new AppError("invalid_input", `\`save_to\`: ${message}`, {
    ...more,
    ...(next === undefined ? {} : { next: `${next} Nothing was sent.` }),
  });
}
