const EMPTY = Buffer.alloc(0);

/**
 * Bytes that come in pieces of any size, put together in a time that grows with their number only:
 * one message may come byte by byte.
 */
export class Gathering {
  readonly #mostBytes: number;
  #room = EMPTY;
  #length = 0;

  /** @param mostBytes how many are kept at most */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** What has come so far. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** @returns whether there was room; if not, nothing of the piece is kept. */
  add(piece: Uint8Array): boolean {
    const length = this.#length + piece.length;
    if (length > this.#mostBytes) return false;
    if (length > this.#room.length) this.#grow(length);
    this.#room.set(piece, this.#length);
    this.#length = length;
    return true;
  }

  /** All of it as text; nothing is kept. */
  takeText(): string {
    const text = this.bytes.toString("utf8");
    this.clear();
    return text;
  }

  clear(): void {
    this.#room = EMPTY;
    this.#length = 0;
  }

  #grow(needed: number): void {
    const wanted = Math.max(needed, this.#room.length * 2);
    const larger = Buffer.allocUnsafe(Math.min(wanted, this.#mostBytes));
    larger.set(this.bytes);
    this.#room = larger;
  }
}
