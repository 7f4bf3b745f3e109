import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { Writable } from "node:stream";

/** What comes while a write is under way waits up to this much, and goes into the file in one. */
const ROOM_BYTES = 256 * 1024;

export interface SinkOptions {
  /** Takes in all that is written. */
  hash: Hash;
  /** Where the first byte goes. */
  startsAt: number;
  /** Hears how large the file is about to become. @throws what the sink then fails with */
  check: (sizeBytes: number) => void;
}

/** What is written into: an open file. */
export type SinkFile = Pick<FileHandle, "writev">;

/** Puts a stream into an open file, piece behind piece. */
export class FileSink extends Writable {
  readonly #file: SinkFile;
  readonly #options: SinkOptions;
  #sizeBytes: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: SinkFile, options: SinkOptions) {
    super({ highWaterMark: ROOM_BYTES, decodeStrings: true });
    this.#file = file;
    this.#options = options;
    this.#sizeBytes = options.startsAt;
  }

  /** How much of the file is written. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#begin([piece], done);
  }

  override _writev(pieces: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#begin(
      pieces.map(({ chunk }) => chunk),
      done,
    );
  }

  /** A write that is under way when the stream breaks off counts as well. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#writing.then(() => done(error));
  }

  #begin(pieces: readonly Buffer[], done: (error?: Error) => void): void {
    const writing = this.#put(pieces);
    this.#writing = writing.catch(() => undefined);
    writing.then(() => done(), done);
  }

  async #put(pieces: readonly Buffer[]): Promise<void> {
    const { hash, check } = this.#options;
    check(pieces.reduce((sum, { length }) => sum + length, this.#sizeBytes));
    for (const piece of pieces) hash.update(piece);
    for (let rest = pieces; rest.length > 0; ) {
      const { bytesWritten } = await this.#file.writev(rest, this.#sizeBytes);
      this.#sizeBytes += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
  }
}

/** What is left of pieces when so much of them was written: one write may take less than it is given. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let written = bytes;
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(Math.min(written, piece.length));
    written -= piece.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}
