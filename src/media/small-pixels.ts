import type { OutputInfo, Sharp } from "sharp";
import { decoder, openPicture, type PictureHeader, type PictureSource } from "./decoder.ts";
import { turnFor } from "./orientation.ts";

export interface Pixels {
  data: Buffer;
  info: OutputInfo;
}

/**
 * A picture's pixels in sRGB, upright and with no side above `side`, never enlarged. Made small
 * before it is turned, so that the whole picture is never in memory; the caller waits at the door
 * to all decoding.
 */
export async function smallPixels(
  picture: PictureSource,
  { orientation = 1 }: PictureHeader,
  side: number,
): Promise<Pixels> {
  const small = await rawOf(within(await openPicture(picture), side).toColourspace("srgb"));
  if (orientation === 1) return small;
  const { isMirrored, degrees } = turnFor(orientation);
  const turned = (await fromRaw(small)).flop(isMirrored);
  // A mirror comes before a turn only between two passes.
  return rawOf((await fromRaw(await rawOf(turned))).rotate(degrees));
}

export function within(picture: Sharp, side: number): Sharp {
  return picture.resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
}

export function rawOf(picture: Sharp): Promise<Pixels> {
  return picture.raw().toBuffer({ resolveWithObject: true });
}

export async function fromRaw({ data, info }: Pixels): Promise<Sharp> {
  const { width, height, channels } = info;
  return (await decoder())(data, { raw: { width, height, channels } });
}
