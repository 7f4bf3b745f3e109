import type { ReadStream } from "node:tty";
import { AppError } from "../core/errors.ts";

const INTERRUPT = "\u0003";
const END_OF_INPUT = "\u0004";
const ERASE = ["\u007f", "\b"];
const ERASE_ALL = "\u0015";
const PASTE_MARKS = ["\u001b[200~", "\u001b[201~"];

/** What a typed line is taken for, or why it is asked for once more. */
export type Reading<T> = { taken: T } | { complaint: string };

/**
 * What is typed at a terminal, a line that is understood; none of it is shown, however early it
 * comes.
 * @throws {cancelled} where it is interrupted
 */
export async function askSecret<T>(
  question: string,
  read: (line: string) => Reading<T>,
  input: ReadStream,
  write: (text: string) => void,
): Promise<T> {
  // Before anybody is asked, and until they are understood: what comes meanwhile would be shown.
  input.setRawMode(true);
  input.setEncoding("utf8");
  try {
    for (;;) {
      write(question);
      const reading = read(await typedLine(input).finally(() => write("\n")));
      if ("taken" in reading) return reading.taken;
      write(`${reading.complaint}\n`);
    }
  } finally {
    input.setRawMode(false);
    input.pause();
  }
}

function typedLine(input: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const finish = (settle: () => void) => {
      input.removeListener("data", take);
      input.removeListener("end", end);
      settle();
    };
    const end = () => finish(() => resolve(line));
    const take = (chunk: Buffer | string) => {
      // What a terminal puts around what is pasted is no part of it.
      const typed = PASTE_MARKS.reduce((text, mark) => text.replaceAll(mark, ""), String(chunk));
      for (const one of typed) {
        if (one === "\r" || one === "\n" || one === END_OF_INPUT) return end();
        if (one === INTERRUPT) {
          const error = new AppError("cancelled", "Nothing was changed.");
          return finish(() => reject(error));
        }
        if (ERASE.includes(one)) line = line.slice(0, -1);
        else if (one === ERASE_ALL) line = "";
        else line += one;
      }
    };
    input.on("data", take);
    input.once("end", end);
    input.resume();
  });
}
