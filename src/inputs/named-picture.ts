import type { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { openAllowedFile, type Places } from "../media/allowed-files.ts";
import { readHeld, whileHeld } from "../media/held-file.ts";
import { MAX_PICTURE_BYTES } from "../media/largest-files.ts";
import type { MediaRef, MediaStore } from "../media/media-store.ts";
import { type CheckedPicture, checkPicture } from "./checked-picture.ts";

/** A finished file of an earlier job. */
export interface EarlierFile {
  ref: MediaRef;
  /** Where the provider served it. */
  url: string;
  /** Whether that is so recent that it surely still does, and the provider can reach it. */
  isFresh: boolean;
  sha256: string;
}

/**
 * Works on the bytes of a caller's file, which are read when there is room for them.
 * @throws {invalid_input}
 */
export async function withPicture<T>(
  path: string,
  places: Places,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const { handle, size } = await openAllowedFile(path, places);
  try {
    if (size > MAX_PICTURE_BYTES) {
      throw tooMuch(oneLine(path), size);
    }
    return await whileHeld(size, async () => {
      const bytes = await readHeld(handle, size, path).catch((error: unknown) => {
        if (error instanceof AppError) throw error;
        throw new AppError("invalid_input", `${oneLine(path)} cannot be read from its disk.`, {
          cause: error,
        });
      });
      return work(bytes);
    });
  } finally {
    await handle.close();
  }
}

/**
 * Works on a finished picture of an earlier job, which is read when there is room for it.
 * @param text how the caller named it.
 * @throws {invalid_input}
 */
export async function withEarlierPicture<T>(
  media: Pick<MediaStore, "open" | "stat">,
  { ref, url }: EarlierFile,
  text: string,
  owner: string,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const found = await media.stat(owner, ref);
  const trouble = (what: string, cause?: unknown) => {
    const served = url === "" ? "" : ` It was served at ${oneLine(url)}, and may still be.`;
    return new AppError("invalid_input", `${oneLine(ref)} of ${oneLine(text)} ${what}.${served}`, {
      cause,
      next: "`job_status` can fetch it again; or name the file where it is now.",
    });
  };
  if (!found) throw trouble("is missing");
  if (found.sizeBytes > MAX_PICTURE_BYTES) {
    throw trouble(`has more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have`);
  }
  return whileHeld(found.sizeBytes, async () => {
    const bytes = await media
      .open(owner, ref)
      .then((content) => upTo(MAX_PICTURE_BYTES, content, ref))
      .catch((error: unknown) => {
        throw trouble("cannot be read from its disk", error);
      });
    return work(bytes);
  });
}

/**
 * The picture that a data URI is.
 * @param name of the argument.
 * @throws {invalid_input}
 */
export async function fromDataUri(text: string, name: string): Promise<CheckedPicture> {
  const base64 = text.slice(text.indexOf(",") + 1);
  const sizeBytes = Buffer.byteLength(base64, "base64");
  if (sizeBytes > MAX_PICTURE_BYTES) {
    throw tooMuch(`\`${name}\``, sizeBytes);
  }
  return checkPicture(Buffer.from(base64, "base64"), `\`${name}\``);
}

/** A file can grow while it is read. */
async function upTo(maxBytes: number, content: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of content) {
    const bytes = Buffer.from(chunk);
    total += bytes.length;
    if (total > maxBytes)
      throw new AppError("invalid_input", `${oneLine(name)} grows while it is read.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function tooMuch(shown: string, sizeBytes: number): AppError {
  return new AppError(
    "invalid_input",
    `${shown} has ${byteCount(sizeBytes)}, more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have.`,
  );
}
