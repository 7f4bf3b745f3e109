import type { FileHandle } from "node:fs/promises";
import { AppError } from "../core/errors.ts";
import { Gate } from "../core/gate.ts";
import { MAX_PICTURE_BYTES } from "./largest-files.ts";

/** What is made of a picture may be several times as large, and is held beside it. */
const TIMES_HELD = 4;

const MEMORY = new Gate(MAX_PICTURE_BYTES);

/**
 * Waits until a file of so many bytes may be in memory, with what is made of it, beside the others;
 * it is not to be read before. Never enter from inside.
 */
export function whileHeld<T>(sizeBytes: number, work: () => Promise<T>): Promise<T> {
  return MEMORY.run(sizeBytes * TIMES_HELD, work);
}

/**
 * Reads an open file from its beginning into one piece of memory.
 * @param size what it had when it was opened.
 * @throws {invalid_input} when it has more by now.
 */
export async function readHeld(handle: FileHandle, size: number, name: string): Promise<Buffer> {
  // One byte more tells that it has grown.
  const bytes = Buffer.allocUnsafeSlow(size + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    length += bytesRead;
    if (length > size) throw new AppError("invalid_input", `${name} grows while it is read.`);
    if (bytesRead === 0) return bytes.subarray(0, length);
  }
}
