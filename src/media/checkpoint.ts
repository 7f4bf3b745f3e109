import { readFile, stat, unlink, writeFile } from "node:fs/promises";
import * as z from "zod";

const checkpointSchema = z.object({
  url: z.string(),
  /** A strong one, so that the rest belongs to the same bytes. */
  etag: z.string(),
  /** Of the whole file. */
  length: z.number(),
  /** What is surely on disk. */
  sizeBytes: z.number(),
});

/** How far a transfer came that broke off, so that the next one goes on from there. */
export type Checkpoint = z.output<typeof checkpointSchema>;

/** @returns `undefined` where there is none for that address, or less of the file than it says. */
export async function readCheckpoint(target: string, url: string): Promise<Checkpoint | undefined> {
  try {
    const text = await readFile(pathOf(target), "utf8");
    const checkpoint = checkpointSchema.parse(JSON.parse(text));
    const { size } = await stat(target);
    return checkpoint.url === url && size >= checkpoint.sizeBytes ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}

/** Without it the next try begins anew, which is no harm. */
export async function keepCheckpoint(target: string, checkpoint: Checkpoint): Promise<void> {
  await writeFile(pathOf(target), JSON.stringify(checkpoint), { mode: 0o600 }).catch(
    () => undefined,
  );
}

export async function forgetCheckpoint(target: string): Promise<void> {
  await unlink(pathOf(target)).catch(() => undefined);
}

/** Removes what an unfinished download has left. */
export async function discardPartial(target: string): Promise<void> {
  await unlink(target).catch(() => undefined);
  await forgetCheckpoint(target);
}

function pathOf(target: string): string {
  return `${target}.json`;
}
