import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import {
  heldBytes,
  MAX_HELD_BYTES,
  openPicture,
  type PictureHeader,
  readHeader,
  whileDecoding,
} from "../media/decoder.ts";
import { turnFor } from "../media/orientation.ts";
import {
  bmpSize,
  EXTENSIONS,
  hasEnd,
  type PictureFormat,
  pictureFormat,
} from "./picture-format.ts";
import { withoutPlace } from "./picture-metadata.ts";
import { MAX_FRAMES_PIXELS, shrunk } from "./shrinking.ts";
import { isLying, turnedUpright, whyNotTurned } from "./turning.ts";

const CHECKED_SIDE_PX = 64;
const MAX_REASON_CHARACTERS = 120;

/** A caller's picture, fit to leave the machine. */
export interface CheckedPicture {
  bytes: Buffer;
  mimeType: string;
  extension: string;
  /** Pixels, as it is looked at. */
  width: number;
  height: number;
  /** What was changed about it, for the answer. */
  notes: string[];
}

/**
 * Reads a picture from its first byte to its last, turns it upright where its metadata says so, and
 * takes out where it was made. A picture that needs neither is passed on byte for byte.
 * @param name how the caller knows it, for messages.
 * @throws {invalid_input} naming what is wrong with it.
 */
export async function checkPicture(bytes: Buffer, name: string): Promise<CheckedPicture> {
  const shown = oneLine(name);
  const format = await formatOf(bytes, shown);
  const picture = { mimeType: `image/${format}`, extension: EXTENSIONS[format] };
  if (format === "bmp") {
    // No decoder for it here, and no metadata inside it.
    const size = bmpSize(bytes);
    checkPixels(size, shown);
    if (!hasEnd(bytes, format)) throw cut(shown);
    return { ...picture, ...size, bytes, notes: [] };
  }
  const header = await readHeader(bytes).catch((error: unknown) => {
    throw damaged(shown, error);
  });
  checkPixels(header, shown);
  if (!hasEnd(bytes, format)) throw cut(shown);
  const done: string[] = [];
  const cleaned = await whileDecoding(header, async () => {
    const placeless = withoutPlace(bytes, format, header);
    if (placeless) done.push("its location was removed");
    const source = placeless ?? bytes;
    if (!isLying(header, format)) {
      // What takes too much memory to be decoded is looked at by its structure alone.
      if (heldBytes(header) <= MAX_HELD_BYTES) await readThrough(source, header, format);
      return source;
    }
    const reason = whyNotTurned(bytes, header, format);
    if (reason !== undefined) throw unturned(shown, reason);
    done.unshift("turned upright");
    return turnedUpright(source, header, format);
  }).catch((error: unknown) => {
    throw damaged(shown, error);
  });
  const notes = done.length === 0 ? [] : [`${shown} was sent changed: ${done.join(" and ")}.`];
  return { ...picture, ...uprightSize(header), bytes: cleaned, notes };
}

/**
 * Makes a picture small enough for a request.
 * @throws {invalid_input} when even a small rendering is too large, or it cannot be decoded.
 */
export async function shrinkPicture(
  picture: CheckedPicture,
  maxBytes: number,
  name: string,
): Promise<CheckedPicture> {
  const shown = oneLine(name);
  const small = await shrunk(picture, maxBytes).catch((error: unknown) => {
    throw new AppError(
      "invalid_input",
      `${shown} has ${byteCount(picture.bytes.length)}, more than the ${byteCount(maxBytes)} that a request takes, and cannot be made smaller (${reasonOf(error)}).`,
      { cause: error, next: "Give it as a smaller PNG or JPEG file." },
    );
  });
  if (small) {
    const { width, height, bytes, mimeType, extension } = small;
    const note = `${shown} was sent smaller: ${width}×${height}, ${byteCount(bytes.length)} instead of ${byteCount(picture.bytes.length)}.`;
    return { bytes, mimeType, extension, width, height, notes: [...picture.notes, note] };
  }
  throw new AppError(
    "invalid_input",
    `${shown} cannot be made as small as the ${byteCount(maxBytes)} that a request takes.`,
  );
}

function uprightSize(header: PictureHeader): { width: number; height: number } {
  const [width, height] = [header.width, header.pageHeight ?? header.height];
  const isAcross = turnFor(header.orientation).degrees % 180 !== 0;
  return isAcross ? { width: height, height: width } : { width, height };
}

async function formatOf(bytes: Buffer, name: string): Promise<PictureFormat> {
  if (bytes.length === 0) throw new AppError("invalid_input", `${name} is empty.`);
  const found = await pictureFormat(bytes);
  if (found.format) return found.format;
  const known = found.mimeType === undefined ? "" : ` (it is ${found.mimeType})`;
  throw new AppError("invalid_input", `${name} is not a picture that can be sent${known}.`, {
    next: "Use a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.",
  });
}

function checkPixels({ width, height }: { width: number; height: number }, name: string): void {
  if (width * height <= MAX_PICTURE_PIXELS) return;
  throw new AppError(
    "invalid_input",
    `${name} says it has ${width}×${height} pixels, more than the ${MAX_PICTURE_PIXELS / 1_000_000} million that are taken.`,
  );
}

/** Decodes everything of a picture, keeping next to nothing. */
async function readThrough(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): Promise<void> {
  const framesAtMost = Math.max(
    1,
    Math.floor(MAX_FRAMES_PIXELS / (header.width * (header.pageHeight ?? header.height))),
  );
  const frames = Math.min(header.pages ?? 1, framesAtMost);
  const decode = async (options: { page?: number; pages?: number; failOn?: "warning" }) => {
    // Its colours do not matter here, and a strange profile is no damage.
    const picture = await openPicture(bytes, {
      ...options,
      ignoreIcc: true,
      limitInputPixels: false,
    });
    await picture
      .resize({ width: CHECKED_SIDE_PX, height: CHECKED_SIDE_PX, fit: "inside" })
      .raw()
      .toBuffer();
  };
  if (format === "tiff") {
    // Its pages may differ in size.
    for (let page = 0; page < frames; page++) await decode({ page });
  } else if (format === "jpeg") {
    // Its decoder takes damaged data for unusual.
    await decode({ failOn: "warning" }).catch((error: unknown) => {
      if (!(error instanceof Error) || DAMAGE.test(error.message)) throw error;
      return decode({});
    });
  } else {
    await decode(frames > 1 ? { pages: frames } : {});
  }
}

/** What the decoder of JPEG says of data that are not as they were written. */
const DAMAGE = /corrupt jpeg data: (?!\d+ extraneous)|premature end|inconsistent progression/i;

function cut(name: string): AppError {
  return new AppError("invalid_input", `${name} is cut short or damaged: its end is not there.`, {
    next: NEXT,
  });
}

function unturned(name: string, reason: string): AppError {
  return new AppError(
    "invalid_input",
    `${name} lies on its side by its metadata, and cannot be turned upright here: ${reason}.`,
    { next: "Turn it upright with a picture editor, and give what that saves." },
  );
}

function damaged(name: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError(
    "invalid_input",
    `${name} is damaged or cut short: it cannot be decoded as a picture (${reasonOf(error)}).`,
    { cause: error, next: NEXT },
  );
}

const NEXT =
  "Look whether it can be opened, and give a whole copy of it, or the same picture as PNG.";

function reasonOf(error: unknown): string {
  const [first = ""] = error instanceof Error ? error.message.trim().split("\n") : [];
  return oneLine(first, MAX_REASON_CHARACTERS) || "unknown";
}
