import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { OutputInfo, Sharp } from "sharp";

const LONG_SIDE_PX = 1024;
/** A header that promises more than this is a bomb, not a picture. */
export const MAX_PICTURE_PIXELS = 100_000_000;
/** Hosts cut results at about 1 MB; this leaves room for everything else. */
export const PREVIEW_BUDGET_BASE64 = 700 * 1024;
const QUALITIES = [82, 70, 55, 40] as const;
const MIN_SIDE_PX = 128;
/** What is this many times too large does not get small enough by quality alone. */
const HOPELESS_RATIO = 3;

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
 * is transparency, else JPEG. Decoding and encoding are done beside the event loop.
 * @param maxBase64 how long it may be once encoded, in characters.
 * @returns `undefined` when there is none; see {@link whyNoPreview}.
 */
export async function makePreview(path: string, maxBase64: number): Promise<Preview | undefined> {
  const maxBytes = Math.floor((maxBase64 * 3) / 4) - 3;
  try {
    let pixels = await decodeSmall(await open(path), LONG_SIDE_PX);
    for (let side = LONG_SIDE_PX; side >= MIN_SIDE_PX; side = Math.floor(side * 0.7)) {
      if (side < Math.max(pixels.info.width, pixels.info.height)) {
        pixels = await decodeSmall(await fromRaw(pixels), side);
      }
      for (const quality of QUALITIES) {
        const preview = await encode(pixels, quality);
        if (preview.data.length <= maxBytes) return preview;
        if (preview.data.length > maxBytes * HOPELESS_RATIO) break;
      }
    }
  } catch {
    // A picture that cannot be decoded is still delivered as a file.
  }
  return undefined;
}

/**
 * Previews of several pictures, together at most `maxBase64` characters. One processor is left to
 * everything else, which is what keeps a busy server answering.
 * @returns in order, `undefined` where there is none.
 */
export async function makePreviews(
  paths: readonly string[],
  maxBase64: number,
): Promise<(Preview | undefined)[]> {
  const share = Math.floor(maxBase64 / Math.max(1, paths.length));
  const previews: (Preview | undefined)[] = [];
  const next = paths.entries();
  const work = async () => {
    for (const [position, path] of next) previews[position] = await makePreview(path, share);
  };
  const workers = Math.max(1, availableParallelism() - 1);
  await Promise.all(Array.from({ length: workers }, work));
  return previews;
}

/** Why a file that should be a picture is not shown, in a few words. */
export async function whyNoPreview(path: string): Promise<string> {
  const facts = await pictureFacts(path);
  if (!facts) return "it cannot be read as a picture";
  if (facts.width * facts.height > MAX_PICTURE_PIXELS) {
    return `its header promises ${facts.width}×${facts.height} pixels`;
  }
  return "it cannot be decoded";
}

/** The file itself, where it fits. @returns `undefined` where it does not, or is not there. */
export async function fullPreview(
  path: string,
  mimeType: string,
  maxBase64: number,
): Promise<Preview | undefined> {
  const data = await readFile(path).catch(() => undefined);
  return data && Math.ceil(data.length / 3) * 4 <= maxBase64 ? { data, mimeType } : undefined;
}

interface Pixels {
  data: Buffer;
  info: OutputInfo;
}

/** Decoded once; all further renderings are made of these pixels. */
async function decodeSmall(picture: Sharp, side: number): Promise<Pixels> {
  return picture
    .autoOrient()
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
}

async function encode(pixels: Pixels, quality: number): Promise<Preview> {
  const picture = await fromRaw(pixels);
  const hasAlpha = pixels.info.channels === 2 || pixels.info.channels === 4;
  return hasAlpha
    ? {
        data: await picture.webp({ quality, alphaQuality: quality }).toBuffer(),
        mimeType: "image/webp",
      }
    : { data: await picture.jpeg({ quality, mozjpeg: true }).toBuffer(), mimeType: "image/jpeg" };
}

async function fromRaw({ data, info }: Pixels): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  const { width, height, channels } = info;
  return sharp(data, { raw: { width, height, channels } });
}

async function open(path: string): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(path, { limitInputPixels: MAX_PICTURE_PIXELS, failOn: "error" });
}
