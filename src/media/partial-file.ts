import { stat, unlink } from "node:fs/promises";

/** How far a transfer came that broke off, so that the next one goes on from there. */
export interface Checkpoint {
  /** A strong one, so that the rest belongs to the same bytes. */
  etag: string;
  /** Of the whole file. */
  length: number;
  /** What is surely on disk. */
  sizeBytes: number;
}

/** A file that is fetched from one address, by as many tries as it takes. Nobody else writes to it. */
export class PartialFile {
  readonly url: string;
  readonly path: string;
  /** What the last try has left, if the next one can go on from there. */
  checkpoint: Checkpoint | undefined = undefined;

  constructor(url: string, path: string) {
    this.url = url;
    this.path = path;
  }

  /** @returns where a try begins: `undefined` for the beginning, also where less is there by now. */
  async resume(): Promise<Checkpoint | undefined> {
    if (this.checkpoint) {
      const sizeBytes = await stat(this.path).then(
        ({ size }) => size,
        () => 0,
      );
      if (sizeBytes < this.checkpoint.sizeBytes) this.checkpoint = undefined;
    }
    return this.checkpoint;
  }

  /** Removes what an unfinished download has left. */
  async discard(): Promise<void> {
    this.checkpoint = undefined;
    await unlink(this.path).catch(() => undefined);
  }
}
