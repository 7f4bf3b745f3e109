import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { readHeader } from "../media/decoder.ts";
import { MAX_PICTURE_BYTES } from "../media/largest-files.ts";
import { checkPicture } from "./checked-picture.ts";
import type { DatasetEntry } from "./dataset.ts";
import { pictureFormat } from "./picture-format.ts";

const PICTURE_NAME = /\.(?:png|jpe?g|webp|gif|bmp|tiff?|avif)$/i;

/** What reading a file of a set has shown. */
export interface ExaminedFile {
  entry: DatasetEntry;
  /** Why it cannot be used. */
  problem?: string;
  /** What would be changed about it, were it sent alone. */
  notes?: readonly string[];
}

/** Whether a file is a picture by its first bytes, or calls itself one. */
export async function isToBeRead(name: string, head: Buffer): Promise<boolean> {
  if (PICTURE_NAME.test(name)) return true;
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  return type?.mime.startsWith("image/") ?? false;
}

/** A file of which only the first bytes are of interest. */
export async function examineOther(
  name: string,
  sizeBytes: number,
  head: Buffer,
): Promise<ExaminedFile> {
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  return { entry: { name, sizeBytes, ...(type ? { mimeType: type.mime } : {}) } };
}

/** A picture of a set, read to its last byte. */
export async function examinePicture(name: string, bytes: Buffer): Promise<ExaminedFile> {
  const { entry } = await examineOther(name, bytes.length, bytes);
  const found = await pictureFormat(bytes);
  // Some trainers may read what is not read here.
  if (!found.format && entry.mimeType?.startsWith("image/")) return { entry };
  try {
    const { notes } = await checkPicture(bytes, name);
    const facts = await readHeader(bytes).catch(() => undefined);
    const sides = facts ? { width: facts.width, height: facts.height } : {};
    return { entry: { ...entry, mimeType: `image/${found.format}`, ...sides }, notes };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { entry, problem: error.message };
  }
}

/** @returns why a picture is too large, if it is. */
export function tooLarge(name: string, sizeBytes: number): string | undefined {
  return sizeBytes > MAX_PICTURE_BYTES
    ? `${oneLine(name)} has ${byteCount(sizeBytes)}, more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have.`
    : undefined;
}
