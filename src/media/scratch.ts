import { createWriteStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readHeld } from "./held-file.ts";
import { type MediaRef, type MediaStore, nameOf } from "./media-store.ts";

/** Works with a folder of its own for what is too large for memory; nothing of it stays. */
export async function withScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-scratch-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Works on a finished file as a file of this machine's: where it lies, or on a copy of which nothing
 * stays. @throws {not_found | storage}
 */
export async function withLocalFile<T>(
  media: Pick<MediaStore, "open" | "localPath">,
  owner: string,
  ref: MediaRef,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = media.localPath?.(owner, ref);
  if (path !== undefined) return work(path);
  const content = await media.open(owner, ref);
  return withScratch(async (folder) => {
    const copy = join(folder, nameOf(ref));
    await pipeline(content, createWriteStream(copy, { mode: 0o600 }));
    return work(copy);
  });
}

/** The whole of a file that was made in a scratch folder. */
export async function readScratch(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    return await readHeld(file, (await file.stat()).size, path);
  } finally {
    await file.close();
  }
}
