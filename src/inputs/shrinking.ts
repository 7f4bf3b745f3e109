import type { Sharp } from "sharp";
import {
  decoder,
  heldBytes,
  MAX_HELD_BYTES,
  openPicture,
  readHeader,
  whileDecoding,
} from "../media/decoder.ts";
import { bmpPixels } from "./bmp.ts";

const SIDES_PX = [3072, 2048, 1536, 1024, 768] as const;
const QUALITIES = [92, 80] as const;
const ANIMATED_TYPES = ["image/gif", "image/webp"];
/** Of the frames of an animation this many pixels are decoded, and no more. */
export const MAX_FRAMES_PIXELS = 400_000_000;

export interface SmallPicture {
  bytes: Buffer;
  mimeType: string;
  extension: string;
  width: number;
  height: number;
}

/**
 * A smaller rendering of a picture, with its transparency and, of an animation, its frames.
 * @returns `undefined` where none is small enough, or it takes too much memory to be decoded.
 * @throws what the decoder throws.
 */
export async function shrunk(
  { bytes, mimeType }: { bytes: Buffer; mimeType: string },
  maxBytes: number,
): Promise<SmallPicture | undefined> {
  const source = mimeType === "image/bmp" ? await asPng(bytes) : bytes;
  const header = await readHeader(source);
  if (heldBytes(header) > MAX_HELD_BYTES) return undefined;
  const frames = header.pages ?? 1;
  const isAnimated =
    frames > 1 &&
    ANIMATED_TYPES.includes(mimeType) &&
    header.width * header.height * frames <= MAX_FRAMES_PIXELS;
  const isWebp = header.hasAlpha || isAnimated;
  const open = async (): Promise<Sharp> => {
    if (isAnimated) return openPicture(source, { animated: true, limitInputPixels: false });
    const picture = await openPicture(source);
    // Colours for print become those of the screen; others keep their profile.
    return header.space === "cmyk" ? picture : picture.keepIccProfile();
  };
  return whileDecoding(header, async () => {
    for (const side of SIDES_PX) {
      for (const quality of QUALITIES) {
        const small = (await open()).resize({
          width: side,
          height: side,
          fit: "inside",
          withoutEnlargement: true,
        });
        const encoded = isWebp
          ? small.webp({ quality, alphaQuality: quality })
          : small.jpeg({ quality, optimiseCoding: false });
        const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
        if (data.length > maxBytes) continue;
        return {
          bytes: data,
          mimeType: isWebp ? "image/webp" : "image/jpeg",
          extension: isWebp ? "webp" : "jpg",
          width: info.width,
          height: info.pageHeight ?? info.height,
        };
      }
    }
    return undefined;
  });
}

async function asPng(bmp: Buffer): Promise<Buffer> {
  const { data, ...raw } = bmpPixels(bmp);
  const sharp = await decoder();
  return whileDecoding(raw, () =>
    sharp(data, { raw: { ...raw, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toBuffer(),
  );
}
