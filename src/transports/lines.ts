import { Gathering } from "./gathering.ts";

const NEWLINE = 0x0a;
/** Of either end of a line that is too long, as much is kept as tells whose it is. */
const END_BYTES = 1_024;

/** What is known of a line that is too long. */
export interface LongLine {
  start: string;
  end: string;
  bytes: number;
}

export interface LineListener {
  onLine: (text: string) => void;
  onLongLine: (line: LongLine) => void;
}

/** Cuts bytes into lines of UTF-8. A line that is too long is passed over, and the next one read. */
export class LineReader {
  readonly #listener: LineListener;
  readonly #mostBytes: number;
  readonly #line: Gathering;
  #long: { start: Buffer; end: Buffer; bytes: number } | undefined;

  /** @param mostBytes how long a line may be, without its end */
  constructor(mostBytes: number, listener: LineListener) {
    this.#mostBytes = mostBytes;
    this.#line = new Gathering(mostBytes);
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, at);
      from = at + 1;
      if (this.#isWhole(rest)) {
        this.#listener.onLine(rest.toString("utf8"));
      } else {
        this.#keep(rest);
        this.#finish();
      }
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The last line may lack its end. */
  end(): void {
    this.#finish();
  }

  /** Most lines come in one piece, and need not be put together. */
  #isWhole(line: Buffer): boolean {
    return !this.#long && this.#line.isEmpty && line.length <= this.#mostBytes;
  }

  #keep(piece: Buffer): void {
    if (!this.#long) {
      if (this.#line.add(piece)) return;
      const { bytes } = this.#line;
      const start = Buffer.concat([bytes.subarray(0, END_BYTES), piece.subarray(0, END_BYTES)]);
      // A copy: the line itself is given up.
      const end = Buffer.from(bytes.subarray(-END_BYTES));
      this.#long = { start: start.subarray(0, END_BYTES), end, bytes: bytes.length };
      this.#line.clear();
    }
    const { end, bytes } = this.#long;
    this.#long.end = Buffer.concat([end, piece.subarray(-END_BYTES)]).subarray(-END_BYTES);
    this.#long.bytes = bytes + piece.length;
  }

  #finish(): void {
    const long = this.#long;
    this.#long = undefined;
    if (long) {
      const [start, end] = [long.start.toString("utf8"), long.end.toString("utf8")];
      this.#listener.onLongLine({ start, end, bytes: long.bytes });
    } else {
      this.#listener.onLine(this.#line.takeText());
    }
  }
}
