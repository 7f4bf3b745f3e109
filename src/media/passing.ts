import { createHash } from "node:crypto";
import { type Readable, Transform, type TransformCallback } from "node:stream";
import { finished } from "node:stream/promises";
import { asDownloadFailure } from "./download-failure.ts";
import { notAsLong } from "./growth.ts";

/**
 * So much at the end is taken even if it has to wait here: a server that has sent everything may
 * hang up, and then what the connection still holds is lost. More than a connection holds.
 */
const TAIL_BYTES = 256 * 1024;

export interface PassingOptions {
  /** How much has to come. */
  length: number;
  /** Hears how much is about to have come. @throws what it then fails with */
  check: (sizeBytes: number) => void;
  /** Hears that all has come, before the last of it goes on. */
  whole: () => void;
}

/**
 * A file on its way from where it is fetched to where it is kept. What it fails with by itself is a
 * `DownloadFailure`; whoever keeps it destroys it with anything else.
 */
export class Passing extends Transform {
  readonly #options: PassingOptions;
  readonly #hash = createHash("sha256");
  #cameBytes = 0;
  #sizeBytes = 0;

  constructor(options: PassingOptions) {
    super();
    this.#options = options;
    // Whoever keeps the file hears of it, and until somebody does nobody has to.
    this.on("error", () => undefined);
  }

  /** @param beginning what was read of the source already; the rest waits there. */
  begin(beginning: readonly Buffer[], source: Readable): void {
    const goOn = (isReady: boolean) => (isReady ? source.resume() : source.pause());
    source.on("data", (piece: Buffer) => goOn(this.#take(piece)));
    this.on("drain", () => goOn(true));
    finished(source).then(
      () => this.end(),
      (error: unknown) => this.destroy(asDownloadFailure(error)),
    );
    goOn(beginning.map((piece) => this.#take(piece)).at(-1) ?? true);
  }

  /** @returns whether more of it is to come now. */
  #take(piece: Buffer): boolean {
    this.#cameBytes += piece.length;
    return this.write(piece) || this.#options.length - this.#cameBytes <= TAIL_BYTES;
  }

  /** Of all that has come, as hexadecimal digits; once. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  override _transform(piece: Buffer, _encoding: string, done: TransformCallback): void {
    const { length, check, whole } = this.#options;
    this.#sizeBytes += piece.length;
    try {
      check(this.#sizeBytes);
      if (this.#sizeBytes > length) throw notAsLong(this.#sizeBytes, length);
    } catch (error) {
      done(asDownloadFailure(error));
      return;
    }
    this.#hash.update(piece);
    if (this.#sizeBytes === length) whole();
    done(null, piece);
  }

  override _flush(done: TransformCallback): void {
    const { length } = this.#options;
    done(this.#sizeBytes === length ? null : notAsLong(this.#sizeBytes, length));
  }
}
