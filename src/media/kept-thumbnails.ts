import { constants } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomToken } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import { discard, orStorage } from "./placing.ts";

/** Hidden, in the folder of the files themselves. */
const FOLDER = ".thumbnails";
/** None of ours is nearly as large. */
const MAX_BYTES = 1024 * 1024;
// Windows knows no such flag, and makes no links without asking.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/** Writes a thumbnail beside its file; it can be made again, so that nobody waits for the disk. @throws {storage} */
export async function writeKeptThumbnail(file: string, bytes: Uint8Array): Promise<void> {
  const path = placeOf(file);
  const folder = dirname(path);
  const draft = join(folder, `${randomToken()}.partial`);
  await orStorage(folder, async () => {
    await makeFolder(folder);
    try {
      const handle = await open(draft, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    } catch (error) {
      await discard([draft]);
      throw error;
    }
  });
}

/** @returns `undefined` for none, or an older one than the file, which was changed since. */
export async function readKeptThumbnail(file: string): Promise<Buffer | undefined> {
  const made = await stat(file).catch(() => undefined);
  if (!made) {
    // The user has removed the picture, and means it.
    await removeKeptThumbnail(file);
    return undefined;
  }
  const handle = await open(placeOf(file), READ).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const kept = await handle.stat();
    const isGood = kept.isFile() && kept.size <= MAX_BYTES && kept.mtimeMs >= made.mtimeMs;
    return isGood && kept.size > 0 ? await handle.readFile() : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

export async function removeKeptThumbnail(file: string): Promise<void> {
  await discard([placeOf(file)]);
}

function placeOf(file: string): string {
  return join(dirname(file), FOLDER, `${basename(file)}.webp`);
}
