import { readFile } from "node:fs/promises";
import type { Sharp } from "sharp";

const LONG_SIDE_PX = 1024;
/** Hosts cut results at about 1 MB; this leaves room for everything else. */
export const PREVIEW_BUDGET_BASE64 = 700 * 1024;
const QUALITIES = [82, 70, 55, 40] as const;
const MIN_SIDE_PX = 128;
/** A header that promises more than this is a bomb, not a picture. */
const MAX_INPUT_PIXELS = 100_000_000;

export interface Preview {
  data: Buffer;
  mimeType: string;
}

export interface PictureFacts {
  width: number;
  height: number;
}

/** Pixels from a picture's header. @returns `undefined` when it cannot be read as a picture. */
export async function pictureFacts(path: string): Promise<PictureFacts | undefined> {
  try {
    const { width, height } = await (await open(path)).metadata();
    return { width, height };
  } catch {
    return undefined;
  }
}

/**
 * A small rendering of a picture for a model's eyes: long side at most 1,024 px, WebP where there
 * is transparency, else JPEG.
 * @param maxBase64 how long it may be once encoded, in characters.
 * @returns `undefined` when the file cannot be decoded.
 */
export async function makePreview(path: string, maxBase64: number): Promise<Preview | undefined> {
  const maxBytes = Math.floor((maxBase64 * 3) / 4) - 3;
  try {
    for (let side = LONG_SIDE_PX; side >= MIN_SIDE_PX; side = Math.floor(side * 0.7)) {
      for (const quality of QUALITIES) {
        const preview = await render(path, side, quality);
        if (preview.data.length <= maxBytes) return preview;
      }
    }
  } catch {
    // A picture that cannot be decoded is still delivered as a file.
  }
  return undefined;
}

/** The file itself, where it fits. */
export async function fullPreview(
  path: string,
  mimeType: string,
  maxBase64: number,
): Promise<Preview | undefined> {
  const data = await readFile(path);
  return Math.ceil(data.length / 3) * 4 <= maxBase64 ? { data, mimeType } : undefined;
}

async function render(path: string, side: number, quality: number): Promise<Preview> {
  const picture = await open(path);
  const { hasAlpha } = await picture.metadata();
  const small = picture
    .rotate()
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
  return hasAlpha
    ? { data: await small.webp({ quality }).toBuffer(), mimeType: "image/webp" }
    : { data: await small.jpeg({ quality, mozjpeg: true }).toBuffer(), mimeType: "image/jpeg" };
}

async function open(path: string): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(path, { limitInputPixels: MAX_INPUT_PIXELS, failOn: "error" });
}
