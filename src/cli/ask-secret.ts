import type { ReadStream } from "node:tty";
import { AppError } from "../core/errors.ts";

const INTERRUPT = "\u0003";
const END_OF_INPUT = "\u0004";
const ERASE = ["\u007f", "\b"];
const ERASE_ALL = "\u0015";
const PASTE_MARKS = ["\u001b[200~", "\u001b[201~"];

/**
 * A line typed at a terminal, none of which is shown.
 * @throws {cancelled} where it is interrupted
 */
export async function askSecret(
  question: string,
  input: ReadStream,
  write: (text: string) => void,
): Promise<string> {
  write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  try {
    return await typedLine(input);
  } finally {
    input.setRawMode(false);
    input.pause();
    write("\n");
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
