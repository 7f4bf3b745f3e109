export const TYPE_AND_LENGTH = 5;

/** Messages as they are framed: a letter, and how long the rest is. */
export class Frames {
  #partial: Buffer = Buffer.alloc(0);

  read(bytes: Buffer): Buffer[] {
    this.#partial = Buffer.concat([this.#partial, bytes]);
    const frames: Buffer[] = [];
    while (this.#partial.length >= TYPE_AND_LENGTH) {
      const length = 1 + this.#partial.readUInt32BE(1);
      if (this.#partial.length < length) break;
      frames.push(this.#partial.subarray(0, length));
      this.#partial = this.#partial.subarray(length);
    }
    return frames;
  }
}

/** The first message of a client has no letter. */
export class Greeting {
  #bytes: Buffer | undefined = Buffer.alloc(0);

  /** Whether all of it was read. */
  get isOver(): boolean {
    return this.#bytes === undefined;
  }

  /** @returns what comes after it. */
  read(bytes: Buffer): Buffer {
    if (!this.#bytes) return bytes;
    const all = Buffer.concat([this.#bytes, bytes]);
    this.#bytes = all;
    if (all.length < 4 || all.length < all.readUInt32BE(0)) return Buffer.alloc(0);
    this.#bytes = undefined;
    return all.subarray(all.readUInt32BE(0));
  }
}
