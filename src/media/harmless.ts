import { open } from "node:fs/promises";
import { HEAD_BYTES } from "../core/file-head.ts";
import { HARMLESS_TEXTS } from "./file-names.ts";

/* What may lie where a person clicks on it: nothing that runs, under the name of what it is. */

/** The endings of media, and what their bytes say that they are. */
const MEDIA: ReadonlyMap<string, string> = new Map([
  ["png", "png"],
  ["jpg", "jpg"],
  ["jpeg", "jpg"],
  ["webp", "webp"],
  ["gif", "gif"],
  ["avif", "avif"],
  ["tif", "tif"],
  ["tiff", "tif"],
  ["zip", "zip"],
  ["safetensors", "safetensors"],
]);
const LENGTH_BYTES = 8;
const OPENS_OBJECT = 0x7b;
const MAX_WEIGHTS_HEADER_BYTES = 100_000_000n;

/** Whether a file may be called so where nothing may lie that runs. */
export function isHarmlessEnding(extension: string): boolean {
  const name = extension.toLowerCase();
  return MEDIA.has(name) || HARMLESS_TEXTS.some((one) => one === name);
}

/** Whether a file is what a harmless ending says. */
export async function isWhatItIsCalled(path: string, extension: string): Promise<boolean> {
  const head = await headOf(path);
  const name = extension.toLowerCase();
  const medium = MEDIA.get(name);
  if (medium === undefined) return isHarmlessEnding(name) && !head.includes(0);
  if (medium === "safetensors") return isWeights(head);
  const { fileTypeFromBuffer } = await import("file-type");
  return (await fileTypeFromBuffer(head))?.ext === medium;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Weights begin with the length of a JSON object that follows. */
function isWeights(head: Buffer): boolean {
  if (head.length <= LENGTH_BYTES) return false;
  const length = head.readBigUInt64LE();
  return length >= 2n && length <= MAX_WEIGHTS_HEADER_BYTES && head[LENGTH_BYTES] === OPENS_OBJECT;
}
