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

/** Waits until a picture may be decoded beside the others; one of deep colours takes more room. */
export function whileDecoding<T>(
  { width, height, depth }: Pick<PictureHeader, "width" | "height"> & { depth?: string },
  work: () => Promise<T>,
): Promise<T> {
  const deepness = depth === undefined || /char/.test(depth) ? 1 : /short/.test(depth) ? 2 : 4;
  return DECODING.run(width * height * deepness, work);
}
