import { fileTypeFromBuffer } from "file-type";
import type { Metadata, Sharp } from "sharp";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { AppError } from "../core/errors.ts";

/** What is decoded to be checked; anything else could not be cleaned before it is sent. */
const READABLE_TYPES = [
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/tiff",
  "image/avif",
];
/** No decoder for it here, and no metadata inside it. */
const PLAIN_TYPES = ["image/bmp"];
const SHRUNK_SIDES_PX = [3072, 2048, 1536, 1024, 768] as const;
const SHRUNK_QUALITIES = [92, 80] as const;

/** A caller's picture, fit to leave the machine. */
export interface CheckedPicture {
  bytes: Buffer;
  mimeType: string;
  extension: string;
  /** What was changed about it, for the answer. */
  notes: string[];
}

/**
 * Looks at a picture's magic bytes and header, turns it upright where its metadata says so, and
 * takes out where it was made. A picture that needs neither is passed on byte for byte.
 * @param name how the caller knows it, for messages.
 * @throws {invalid_input}
 */
export async function checkPicture(bytes: Buffer, name: string): Promise<CheckedPicture> {
  const type = await fileTypeFromBuffer(bytes);
  if (type && PLAIN_TYPES.includes(type.mime)) {
    checkPixels(bmpSize(bytes), name);
    return { bytes, mimeType: type.mime, extension: type.ext, notes: [] };
  }
  if (!type || !READABLE_TYPES.includes(type.mime)) {
    const found = type ? ` (it is ${type.mime})` : "";
    throw new AppError("invalid_input", `${name} is not a picture that can be sent${found}.`, {
      next: "Use a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.",
    });
  }
  const metadata = await headerOf(bytes, name);
  checkPixels(metadata, name);
  const picture = { bytes, mimeType: type.mime, extension: type.ext, notes: [] };
  const isTurned = (metadata.orientation ?? 1) !== 1;
  // A TIFF file keeps its place in its own first directory.
  const isPlaced = tellsPlace(metadata) || (metadata.format === "tiff" && hasGpsDirectory(bytes));
  if (!isTurned && !isPlaced) return picture;
  const done = [
    ...(isTurned ? ["turned upright"] : []),
    ...(isPlaced ? ["its location was removed"] : []),
  ].join(" and ");
  const cleaned = await encodeLike(metadata.format, (await open(bytes)).autoOrient());
  return { ...picture, bytes: cleaned, notes: [`${name} was sent changed: ${done}.`] };
}

/**
 * Makes a picture small enough for a request.
 * @throws {invalid_input} when even a small rendering is too large.
 */
export async function shrinkPicture(
  picture: CheckedPicture,
  maxBytes: number,
  name: string,
): Promise<CheckedPicture> {
  const { hasAlpha } = await headerOf(picture.bytes, name);
  for (const side of SHRUNK_SIDES_PX) {
    for (const quality of SHRUNK_QUALITIES) {
      const small = (await open(picture.bytes))
        .keepIccProfile()
        .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
      const encoded = hasAlpha
        ? small.webp({ quality, alphaQuality: quality })
        : small.jpeg({ quality });
      const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
      if (data.length > maxBytes) continue;
      const note = `${name} was sent smaller: ${info.width}×${info.height}, ${megabytes(data.length)} instead of ${megabytes(picture.bytes.length)}.`;
      return {
        bytes: data,
        mimeType: hasAlpha ? "image/webp" : "image/jpeg",
        extension: hasAlpha ? "webp" : "jpg",
        notes: [...picture.notes, note],
      };
    }
  }
  throw new AppError("invalid_input", `${name} cannot be made small enough to be sent.`);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

async function open(bytes: Buffer): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(bytes, { limitInputPixels: MAX_PICTURE_PIXELS, failOn: "error" });
}

async function headerOf(bytes: Buffer, name: string): Promise<Metadata> {
  const { default: sharp } = await import("sharp");
  try {
    // The header alone is read here; its promise is judged before anything is decoded.
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw new AppError("invalid_input", `${name} cannot be read as a picture.`, { cause: error });
  }
}

function checkPixels({ width, height }: { width: number; height: number }, name: string): void {
  if (width * height <= MAX_PICTURE_PIXELS) return;
  throw new AppError(
    "invalid_input",
    `${name} says it has ${width}×${height} pixels, more than the ${MAX_PICTURE_PIXELS / 1_000_000} million that are taken.`,
  );
}

function bmpSize(bytes: Buffer): { width: number; height: number } {
  if (bytes.length < 26) return { width: 0, height: 0 };
  return { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) };
}

/** The same format again, without metadata but with its colours. */
async function encodeLike(format: Metadata["format"], picture: Sharp): Promise<Buffer> {
  const kept = picture.keepIccProfile();
  switch (format) {
    case "jpeg":
      return kept.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer();
    case "webp":
      return kept.webp({ quality: 95 }).toBuffer();
    case "tiff":
      return kept.tiff({ compression: "deflate" }).toBuffer();
    case "gif":
      return kept.gif().toBuffer();
    case "heif":
      return kept.avif({ quality: 85 }).toBuffer();
    default:
      return kept.png().toBuffer();
  }
}

/** Whether metadata says, or may say, where a picture was made. */
function tellsPlace({ exif, xmp, iptc }: Metadata): boolean {
  if (exif && hasGpsDirectory(exif)) return true;
  if (xmp && /gps|location|city|country/i.test(xmp.toString("utf8"))) return true;
  // Its fields for city, region and country are not worth telling apart.
  return iptc !== undefined;
}

const GPS_TAG = 0x8825;

/** Reads the first directory of an EXIF block; what cannot be read is taken to tell the place. */
function hasGpsDirectory(exif: Buffer): boolean {
  const tiff = exif.subarray(exif.toString("latin1", 0, 4) === "Exif" ? 6 : 0);
  const isLittle = tiff.toString("latin1", 0, 2) === "II";
  const u16 = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at: number) => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  try {
    const directory = u32(4);
    const entries = u16(directory);
    for (let i = 0; i < entries; i++) {
      if (u16(directory + 2 + i * 12) === GPS_TAG) return true;
    }
    return false;
  } catch {
    return true;
  }
}
