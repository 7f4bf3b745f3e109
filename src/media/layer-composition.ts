import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { AppError } from "../core/errors.ts";
import { decoder, openPicture, type PictureSource, readHeader, whileDecoding } from "./decoder.ts";
import { type PictureFacts, pictureFacts } from "./preview.ts";

/** How many pixels are looked at before others get their turn. */
const SLICE_PIXELS = 100_000;

/** What is to be known of a layer without looking at it. */
export interface LayerFacts {
  width: number;
  height: number;
  /** The smallest rectangle that holds all that shows; `null` where nothing does. */
  boundingBox: { left: number; top: number; width: number; height: number } | null;
  /** The share of pixels that show at all, from 0 to 1. */
  coverage: number;
}

export interface Composition {
  width: number;
  height: number;
  layers: LayerFacts[];
  composite: MadePicture;
}

/** A picture that was written here, and is on disk. */
export interface MadePicture extends Partial<PictureFacts> {
  sizeBytes: number;
  sha256: string;
}

/**
 * Lays layers over each other, the first at the bottom.
 * @param target where the composite is written, as PNG.
 * @throws {bad_upstream_reply} when they span too many pixels; and when one cannot be decoded.
 */
export async function composeLayers(
  pictures: readonly PictureSource[],
  target: string,
): Promise<Composition> {
  const headers = await Promise.all(pictures.map((picture) => readHeader(picture)));
  const width = Math.max(...headers.map((header) => header.width));
  const height = Math.max(...headers.map((header) => header.height));
  if (width * height > MAX_PICTURE_PIXELS) {
    throw new AppError(
      "bad_upstream_reply",
      `The layers span ${width}×${height} pixels, more than ${MAX_PICTURE_PIXELS}.`,
    );
  }
  return whileDecoding({ width, height }, async () => {
    const layers: LayerFacts[] = [];
    for (const picture of pictures) layers.push(await layerFacts(picture));
    await laidOver(pictures, { width, height }, target);
    return { width, height, layers, composite: await finished(target) };
  });
}

/** Looks at what a picture is. */
async function finished(path: string): Promise<MadePicture> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path)) {
    const bytes = Buffer.from(chunk);
    hash.update(bytes);
    sizeBytes += bytes.length;
  }
  return { ...(await pictureFacts(path)), sizeBytes, sha256: hash.digest("hex") };
}

/**
 * Writes the composite. Some pictures are decoded whole to be read, so no more than
 * {@link MAX_PICTURE_PIXELS} of them are laid over each other at once.
 */
async function laidOver(
  pictures: readonly PictureSource[],
  { width, height }: { width: number; height: number },
  target: string,
): Promise<void> {
  const atOnce = Math.max(1, Math.floor(MAX_PICTURE_PIXELS / (width * height)));
  const sharp = await decoder();
  const background = { r: 0, g: 0, b: 0, alpha: 0 };
  const canvas = () => sharp({ create: { width, height, channels: 4, background } });
  const over = (inputs: readonly (string | Buffer)[]) =>
    canvas().composite(
      inputs.map((input) => ({ input, left: 0, top: 0, limitInputPixels: MAX_PICTURE_PIXELS })),
    );
  let below: Buffer[] = [];
  let rest = pictures;
  for (; rest.length > atOnce; rest = rest.slice(atOnce)) {
    const group = over([...below, ...rest.slice(0, atOnce)]);
    below = [await group.png({ compressionLevel: 1 }).toBuffer()];
  }
  // Whoever writes into a file that is there leaves it to its owner alone.
  await (await open(target, "wx", 0o600)).close();
  await over([...below, ...rest])
    .png()
    .toFile(target);
}

async function layerFacts(picture: PictureSource): Promise<LayerFacts> {
  const { data, info } = await (await openPicture(picture))
    .ensureAlpha()
    .extractChannel("alpha")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  let [left, right, top, bottom, shown] = [width, -1, height, -1, 0];
  const rowsAtOnce = Math.max(1, Math.floor(SLICE_PIXELS / width));
  for (let y = 0; y < height; y++) {
    if (y % rowsAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      shown++;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  const boundingBox =
    shown === 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
  return { width, height, boundingBox, coverage: shown / (width * height) };
}
