import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHeld } from "./held-file.ts";

/** Works with a folder of its own for what is too large for memory; nothing of it stays. */
export async function withScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-scratch-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
