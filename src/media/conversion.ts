import { join } from "node:path";
import type { Sharp } from "sharp";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import {
  heldBytes,
  MAX_HELD_BYTES,
  openPicture,
  type PictureHeader,
  readHeader,
  unpackedBytes,
  whileDecoding,
} from "./decoder.ts";
import { readScratch, withScratch } from "./scratch.ts";

/** What a picture can be made into. */
export const FORMATS = ["png", "jpeg", "webp"] as const;
export type PictureFormat = (typeof FORMATS)[number];

export interface Conversion {
  format: PictureFormat;
  /** The longest side, in pixels; nothing is made larger. */
  maxSide?: number | undefined;
  /** 1 to 100; not for PNG, which loses nothing. */
  quality?: number | undefined;
}

const QUALITY = { jpeg: 92, webp: 90 } as const;
/** How many pixels a side may have. */
const LONGEST_SIDE: Readonly<Record<PictureFormat, number>> = {
  png: Number.POSITIVE_INFINITY,
  jpeg: 65_500,
  webp: 16_383,
};
const DEEP: Readonly<Record<string, string>> = { rgb16: "srgb", grey16: "b-w" };
const PLAIN_SPACES = ["srgb", "b-w", ...Object.keys(DEEP)];

/** @returns what an extension says a picture is to be made into, if anything. */
export function formatOf(extension: string): PictureFormat | undefined {
  const name = extension.toLowerCase() === "jpg" ? "jpeg" : extension.toLowerCase();
  return FORMATS.find((format) => format === name);
}

/**
 * Writes a picture as another format or smaller, upright: its colours and their profile stay, what
 * is transparent becomes white in JPEG, and nothing else that the file said goes along.
 * @param name of the picture, for errors.
 * @param target an empty file that is there already.
 * @returns what is lost of it, a sentence each.
 * @throws {invalid_input} for what cannot be decoded here, or made so
 * @throws {storage} when it cannot be written
 */
export async function convert(
  bytes: Buffer,
  conversion: Conversion,
  name: string,
  target: string,
): Promise<string[]> {
  const header = await readHeader(bytes).catch((error: unknown) => {
    throw refused(`${name} cannot be read as a picture.`, error);
  });
  checkBounds(header, conversion, name);
  try {
    await whileDecoding(header, async () => {
      const picture = shaped(await openPicture(bytes), header, conversion);
      await encoded(picture, conversion).toFile(target);
    });
  } catch (error) {
    const said = error instanceof Error ? error.message : "";
    if (/write error|unable to (?:open|write)/i.test(said)) {
      throw new AppError("storage", "The disk refuses to take the picture.", { cause: error });
    }
    throw refused(`${name} cannot be decoded.`, error);
  }
  const frames = header.pages ?? 1;
  return frames > 1 ? [`Of ${name} the first of ${frames} frames was converted.`] : [];
}

/** {@link convert}, where what is made goes on at once and is kept nowhere. */
export async function convertedBytes(
  bytes: Buffer,
  conversion: Conversion,
  name: string,
): Promise<{ bytes: Buffer; notes: string[] }> {
  return withScratch(async (folder) => {
    const target = join(folder, "made");
    const notes = await convert(bytes, conversion, name, target);
    return { bytes: await readScratch(target), notes };
  });
}

/** @throws {invalid_input} for what takes too much memory, or is larger than its format allows. */
function checkBounds(header: PictureHeader, { format, maxSide }: Conversion, name: string): void {
  const { width, height, orientation = 1 } = header;
  const isTurnedWhole = orientation !== 1;
  const held = Math.max(heldBytes(header), isTurnedWhole ? unpackedBytes(header) : 0);
  if (held > MAX_HELD_BYTES) {
    throw refused(`${name} has ${width}×${height} pixels, which takes too much memory.`);
  }
  const longest = Math.min(Math.max(width, height), maxSide ?? Number.POSITIVE_INFINITY);
  if (longest <= LONGEST_SIDE[format]) return;
  throw new AppError(
    "invalid_input",
    `${name} has ${width}×${height} pixels, and ${format} has at most ${LONGEST_SIDE[format]} a side.`,
    { next: `Give \`max_side\` or \`format: "png"\`; nothing was saved.` },
  );
}

function shaped(picture: Sharp, header: PictureHeader, { format, maxSide }: Conversion): Sharp {
  const upright = coloured(picture, header, format).autoOrient();
  const sized =
    maxSide === undefined
      ? upright
      : upright.resize({
          width: maxSide,
          height: maxSide,
          fit: "inside",
          withoutEnlargement: true,
        });
  return format === "jpeg" ? sized.flatten({ background: "#ffffff" }) : sized;
}

/** Colours for print become those of a screen; others keep their profile, and in PNG their depth. */
function coloured(picture: Sharp, { space }: PictureHeader, format: PictureFormat): Sharp {
  if (!PLAIN_SPACES.includes(space)) return picture.toColourspace("srgb");
  const kept = format === "png" ? space : (DEEP[space] ?? space);
  return picture.keepIccProfile().toColourspace(kept);
}

function encoded(picture: Sharp, { format, quality }: Conversion): Sharp {
  switch (format) {
    case "png":
      return picture.png();
    case "jpeg":
      // Optimised coding would hold all of a large picture in memory.
      return picture.jpeg({
        quality: quality ?? QUALITY.jpeg,
        chromaSubsampling: (quality ?? QUALITY.jpeg) >= 90 ? "4:4:4" : "4:2:0",
        optimiseCoding: false,
      });
    case "webp":
      return picture.webp({ quality: quality ?? QUALITY.webp });
  }
}

function refused(message: string, cause?: unknown): AppError {
  return new AppError("invalid_input", oneLine(message, 1_000), {
    cause,
    next: "Save it as it is, without `format`, `max_side` and `quality`; nothing was saved.",
  });
}
