import { constants, existsSync } from "node:fs";
import { access, type FileHandle, lstat, mkdir, open, realpath, stat } from "node:fs/promises";
import { platform, release } from "node:os";
import { basename, dirname, extname, join, parse, relative, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import { makeFolder as makeFolders } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";
import { realOrSame } from "./allowed-files.ts";
import { endingProblem, nameProblem, type ResultKind } from "./file-names.ts";
import { absolutePath, isInside, isUpload, type Surrounding, shownFolders } from "./paths.ts";

/** Some systems bound whole paths. */
const MAX_PATH_BYTES = { darwin: 1_023, linux: 4_095 };
/** For the name of a result in a folder. */
const ROOM_FOR_NAME_BYTES = 160;
/** Here a system shows open folders by their descriptors. */
const OPEN_FILES = "/proc/self/fd";

/** Where a caller may have files written. All absolute. */
export interface SavePlaces extends Surrounding {
  allowedDirs: readonly string[];
}

/** A place that may be written to. */
export interface SavePlace {
  /** The allowed folder that it lies in, all links followed. */
  root: string;
  /** The folders below it, of which none is a link. */
  folders: readonly string[];
  /** What a file there is to be called, without extension; `undefined` for its own name. */
  stem: string | undefined;
  /** The nearest folder that is there now. */
  existing: string;
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
  const { root, below } = await anchorOf(target, places);
  const forWindows = isSeenByWindows(target);
  let at = root;
  for (const name of below) {
    at = join(at, name);
    const problem = nameProblem(name, forWindows);
    if (problem !== undefined) throw refused(`${oneLine(at)} ${problem}.`);
  }
  const endsAsFolder = /\/$/.test(given) || (sep === "\\" && /\\$/.test(given));
  const isFolder = endsAsFolder || extname(target) === "" || (await isDirectory(target));
  const name = isFolder ? undefined : basename(target);
  if (name !== undefined && kind !== undefined) {
    const problem = endingProblem(name, kind);
    if (problem !== undefined) {
      throw refused(`${oneLine(name)} ${problem}.`, "End it with / if it is to be a folder.");
    }
  }
  const folders = name === undefined ? below : below.slice(0, -1);
  checkLength(join(root, ...folders), name);
  const existing = await existingOf(root, folders);
  return { root, folders, stem: name === undefined ? undefined : parse(name).name, existing };
}

/** The allowed folder that a path lies in, and the names from there on. */
async function anchorOf(
  target: string,
  { allowedDirs }: SavePlaces,
): Promise<{ root: string; below: string[] }> {
  const allowed = await Promise.all(
    allowedDirs.map(async (dir) => ({ dir, root: await realOrSame(dir) })),
  );
  const [nearest] = allowed
    .flatMap(({ dir, root }) => [
      { as: dir, root },
      { as: root, root },
    ])
    .filter(({ as }) => isInside(as, target))
    .sort((a, b) => b.as.length - a.as.length);
  const found = nearest ?? (await anchorByIdentity(target, allowed));
  if (found) return { root: found.root, below: namesBetween(found.as, target) };
  const upload = isUpload(target) ? " It is a place of the chat application, not of this one." : "";
  throw refused(
    `${oneLine(target)} is outside the allowed folders.${upload}`,
    allowedDirs.length === 0
      ? "Leave `save_to` out, or name a folder with LONGCAT_MCP_INPUT_DIRS."
      : `Choose a place inside ${shownFolders(allowedDirs)}, or add one with LONGCAT_MCP_INPUT_DIRS.`,
  );
}

/** For a path that is written in another case, or leads to an allowed folder by another way. */
async function anchorByIdentity(
  target: string,
  allowed: readonly { root: string }[],
): Promise<{ as: string; root: string } | undefined> {
  const known = await Promise.all(
    allowed.map(async ({ root }) => ({ root, id: await idOf(root) })),
  );
  for (const as of wayDown(target)) {
    const id = await idOf(as);
    if (id === undefined) return undefined;
    const same = known.find((one) => one.id === id);
    if (same) return { as, root: same.root };
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
        throw refused(`${oneLine(at)} cannot be reached.`, undefined, error);
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
    throw refused(`${oneLine(existing)} cannot be written.`, undefined, error);
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

/** An open folder to write into. */
export interface HeldFolder {
  /** A path for a file in it, which leads there whatever happens to the folder's own path. */
  at(name: string): string;
  /** Where a file in it lies. */
  path(name: string): string;
  /** @throws {storage} when the folder's path leads elsewhere by now. */
  confirm(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes and opens the folder of a place, one name after the other and through no link. Where the
 * system allows it, files are made in the folder that was opened, so that exchanging its path
 * meanwhile gains nothing; elsewhere {@link HeldFolder.confirm} finds that out.
 * @throws {invalid_input} when something on the way has become a link or a file.
 */
export async function holdFolder({ root, folders }: SavePlace): Promise<HeldFolder> {
  await makeFolders(root);
  const top = await realpath(root);
  const folder = join(top, ...folders);
  const handle = existsSync(OPEN_FILES) ? await openStepwise(top, folders) : undefined;
  try {
    if (handle === undefined) await makeStepwise(top, folders);
    const id = await idOf(handle === undefined ? folder : `${OPEN_FILES}/${handle.fd}`);
    return {
      at: (name) =>
        handle === undefined ? join(folder, name) : `${OPEN_FILES}/${handle.fd}/${name}`,
      path: (name) => join(folder, name),
      async confirm() {
        const way = await Promise.all(
          stepsOf(top, folders).map((step) => lstat(step).catch(() => undefined)),
        );
        const isStraight = way.every((found) => found?.isDirectory());
        if (isStraight && (await idOf(folder)) === id) return;
        throw new AppError("storage", `${oneLine(folder)} was exchanged while it was written to.`);
      },
      close: async () => handle?.close(),
    };
  } catch (error) {
    await handle?.close();
    throw error;
  }
}

async function openStepwise(top: string, folders: readonly string[]): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  let handle = await open(top, flags);
  let shown = top;
  for (const name of folders) {
    shown = join(shown, name);
    const path = `${OPEN_FILES}/${handle.fd}/${name}`;
    try {
      await makeFolder(path);
      const next = await open(path, flags);
      await handle.close();
      handle = next;
    } catch (error) {
      await handle.close();
      throw isCode(error, "ELOOP", "ENOTDIR") ? isLink(shown) : error;
    }
  }
  return handle;
}

async function makeStepwise(top: string, folders: readonly string[]): Promise<void> {
  for (const step of stepsOf(top, folders)) {
    await makeFolder(step);
    if (!(await lstat(step)).isDirectory()) throw isLink(step);
  }
}

/** A folder, and each one below it on a way. */
function stepsOf(top: string, folders: readonly string[]): string[] {
  return folders.map((_, position) => join(top, ...folders.slice(0, position + 1)));
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, 0o700).catch((error: unknown) => {
    if (!isCode(error, "EEXIST")) throw error;
  });
}

/** What a file is on its disk; `undefined` where it is not there. */
async function idOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
}

async function nearestExisting(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path || (await idOf(path)) !== undefined) return path;
  return nearestExisting(above);
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

function isLink(path: string): AppError {
  return refused(
    `${oneLine(path)} is a link or no folder, and nothing is saved through links.`,
    "Name the folder that it leads to, if that is an allowed one.",
  );
}

function refused(message: string, next?: string, cause?: unknown): AppError {
  return new AppError("invalid_input", `\`save_to\`: ${message}`, {
    cause,
    ...(next === undefined ? {} : { next: `${next} Nothing was sent.` }),
  });
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
