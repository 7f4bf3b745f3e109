import { read } from "node:fs";
import { Readable } from "node:stream";
import type { Input, InputListener } from "./front.ts";

const STDIN = 0;
const READ_BYTES = 64 * 1024;

/**
 * Reads stdin. At first without what Node loads for its own stream; nothing but a message can end
 * such a read, so it is used only as long as nothing but a message can matter.
 */
export class Stdin implements Input {
  readonly #listener: InputListener;
  #isStream = false;
  #isOver = false;

  constructor(listener: InputListener) {
    this.#listener = listener;
  }

  /** Reads on until {@link listen} or the end. */
  start(): void {
    const room = Buffer.allocUnsafe(READ_BYTES);
    const next = () => {
      if (this.#isStream || this.#isOver) return;
      read(STDIN, room, 0, room.length, null, (error, length) => {
        if (error && !isEnd(error)) this.listen();
        else if (error || length === 0) this.#end();
        else {
          this.#listener.onBytes(Buffer.from(room.subarray(0, length)));
          next();
        }
      });
    };
    next();
  }

  /** Reads through Node's stream from now on; not while a read of the other kind is under way. */
  listen(): void {
    if (this.#isStream || this.#isOver) return;
    this.#isStream = true;
    process.stdin.on("data", this.#listener.onBytes);
    process.stdin.on("end", this.#onEnd);
    process.stdin.on("error", this.#onEnd);
    process.on("SIGTERM", endInOrder).on("SIGINT", endInOrder);
  }

  /** Gives up reading. @returns what is still to be read, beginning with these bytes. */
  handOver(bytes: Buffer): Readable {
    if (this.#isOver) return Readable.from(bytes.length > 0 ? [bytes] : [], { objectMode: false });
    this.#isOver = true;
    process.off("SIGTERM", endInOrder).off("SIGINT", endInOrder);
    const { stdin } = process;
    stdin.off("data", this.#listener.onBytes).off("end", this.#onEnd).off("error", this.#onEnd);
    stdin.pause();
    if (bytes.length > 0) stdin.unshift(bytes);
    return stdin;
  }

  readonly #onEnd = () => this.#end();

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd();
  }
}

/** On some platforms the end of a pipe is an error of its own. */
function isEnd(error: NodeJS.ErrnoException): boolean {
  return error.code === "EOF" || error.code === "EPIPE";
}

function endInOrder(): void {
  process.exit(0);
}
