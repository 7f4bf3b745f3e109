import type { Metadata, Sharp, SharpOptions } from "sharp";
import { DECODING, MAX_PICTURE_PIXELS } from "../core/decoding.ts";

/** A picture as bytes or as the path of its file. */
export type PictureSource = Buffer | string;

export type PictureHeader = Metadata;

type Library = typeof import("sharp")["default"];

/** The decoder, loaded at first use; it keeps nothing of what it has decoded. */
export async function decoder(): Promise<Library> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  return sharp;
}

/** A picture of at most {@link MAX_PICTURE_PIXELS}, read from top to bottom; what is damaged fails. */
export async function openPicture(source: PictureSource, more: SharpOptions = {}): Promise<Sharp> {
  const sharp = await decoder();
  return sharp(source, {
    limitInputPixels: MAX_PICTURE_PIXELS,
    failOn: "error",
    sequentialRead: true,
    ...more,
  });
}

/** What a picture's header says; nothing is decoded. @throws what the decoder throws. */
export async function readHeader(source: PictureSource): Promise<PictureHeader> {
  return (await decoder())(source, { limitInputPixels: false, failOn: "none" }).metadata();
}

/** What of a picture its pixels and their weight can be told from. */
type Weighed = Pick<PictureHeader, "width" | "height"> & Partial<PictureHeader>;

/** By the depth of the decoder; others take four bytes. */
const BYTES_OF_DEPTH: Readonly<Record<string, number>> = { uchar: 1, char: 1, short: 2, ushort: 2 };
/** As measured: its decoder keeps several renderings of a picture at once. */
const AVIF_BYTES = 18;
/** What takes more than this to be decoded is not. */
export const MAX_HELD_BYTES = 320_000_000;
const COEFFICIENT_BYTES = 2;
const CHROMA_SHARES: Readonly<Record<string, number>> = { "4:2:0": 1.5, "4:2:2": 2 };

/** How many bytes a picture has unpacked. */
export function unpackedBytes({ width, height, channels = 3, depth = "uchar" }: Weighed): number {
  return width * height * channels * (BYTES_OF_DEPTH[depth] ?? 4);
}

/**
 * How much of a picture its decoder holds at once: all of it, and more, where the file's order is
 * not from top to bottom.
 */
export function heldBytes(header: Weighed): number {
  const { width, height, format, isProgressive, channels = 3, chromaSubsampling = "" } = header;
  switch (format) {
    case "jpeg":
      return isProgressive
        ? width * height * COEFFICIENT_BYTES * (CHROMA_SHARES[chromaSubsampling] ?? channels)
        : 0;
    case "png":
      return isProgressive ? unpackedBytes(header) : 0;
    case "heif":
      return width * height * AVIF_BYTES;
    case "webp":
    case "gif":
      return 4 * width * height;
    default:
      return 0;
  }
}

/** Waits until a picture may be decoded beside the others, by what it takes of memory. */
export function whileDecoding<T>(header: Weighed, work: () => Promise<T>): Promise<T> {
  return DECODING.run(Math.max(unpackedBytes(header), heldBytes(header)), work);
}
