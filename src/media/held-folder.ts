import { constants, existsSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { makeFolder as makeFolders } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";
import { isCode } from "./placing.ts";
import { idOf, isLink, type SavePlace } from "./save-place.ts";

/** Here a system shows open folders by their descriptors. */
const OPEN_FILES = "/proc/self/fd";

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
