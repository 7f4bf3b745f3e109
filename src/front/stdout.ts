import { writeSync } from "node:fs";

const STDOUT = 1;

/**
 * Writes lines to stdout at once, without what Node loads for its own stream; from the first one
 * that does not fit into the pipe on through that stream, so that nothing overtakes.
 */
export class Stdout {
  #isStream = false;

  /** @throws what the system says, unless the reader is merely slow */
  write(text: string): void {
    if (this.#isStream) {
      process.stdout.write(text);
      return;
    }
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      if (!isBusy(error)) throw error;
      this.#isStream = true;
      process.stdout.write(rest);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
