import { createHash } from "node:crypto";
import { type Readable, Transform, type TransformCallback } from "node:stream";
import { finished } from "node:stream/promises";
import { asDownloadFailure } from "./download-failure.ts";
import { notAsLong } from "./growth.ts";

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
  #sizeBytes = 0;

  constructor(options: PassingOptions) {
    super();
    this.#options = options;
    // Whoever keeps the file hears of it, and until somebody does nobody has to.
    this.on("error", () => undefined);
  }

  /** @param beginning what was read of the source already. */
  begin(beginning: readonly Buffer[], source: Readable): void {
    for (const piece of beginning) this.write(piece);
    source.pipe(this);
    finished(source).catch((error: unknown) => this.destroy(asDownloadFailure(error)));
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
