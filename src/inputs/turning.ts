import { join } from "node:path";
import type { Sharp } from "sharp";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import {
  decoder,
  heldBytes,
  MAX_HELD_BYTES,
  openPicture,
  type PictureHeader,
  unpackedBytes,
} from "../media/decoder.ts";
import { turnFor } from "../media/orientation.ts";
import { readScratch, withScratch } from "../media/scratch.ts";
import { pngChunks, riffChunks } from "./containers.ts";
import type { PictureFormat } from "./picture-format.ts";

/** A picture is held whole to be turned; of a larger JPEG one strip after the other is. */
const MAX_HELD_PIXELS = 25_000_000;
/** Frames are turned one by one out of all of them together. */
const MAX_FRAME_PIXELS = 50_000_000;

/** Whether a picture lies on its side or its head, and says so where the provider does not look. */
export function isLying(header: PictureHeader, format: PictureFormat): boolean {
  // The decoder of AVIF turns it itself, by the picture's own structure.
  return format !== "avif" && (header.orientation ?? 1) !== 1;
}

/** Why a lying picture cannot be turned here, in a few words; `undefined` where it can be. */
export function whyNotTurned(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): string | undefined {
  const pages = header.pages ?? 1;
  if (format === "png" && [...pngChunks(bytes)].some(({ name }) => name === "acTL")) {
    return "it is an animated PNG";
  }
  if (pages > 1 && header.depth !== "uchar") return "it has several pages of deep colours";
  const isTooMuch =
    pages > 1
      ? header.width * header.height * pages > MAX_FRAME_PIXELS
      : heldBytes(header) > MAX_HELD_BYTES || heldWhole(header, format) > MAX_HELD_BYTES;
  return isTooMuch ? "that would take too much memory" : undefined;
}

/** What is held of a picture that is not turned strip by strip. */
function heldWhole(header: PictureHeader, format: PictureFormat): number {
  return isTurnedInStrips(header, format) ? 0 : unpackedBytes(header) * (format === "webp" ? 2 : 1);
}

function isTurnedInStrips({ space }: PictureHeader, format: PictureFormat): boolean {
  return format === "jpeg" && ["srgb", "b-w"].includes(space);
}

/**
 * A lying picture upright, with its depth, colours, transparency and frames, of the same format.
 * @param maxHeldPixels how much of it may be in memory at a time.
 * @throws what the decoder throws; see {@link whyNotTurned} first.
 */
export async function turnedUpright(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
  maxHeldPixels = MAX_HELD_PIXELS,
): Promise<Buffer> {
  if ((header.pages ?? 1) > 1) return turnedFrames(bytes, header, format);
  const strips = Math.ceil((header.width * header.height) / maxHeldPixels);
  if (isTurnedInStrips(header, format) && strips > 1) {
    return turnedStrips(bytes, header, strips);
  }
  const upright = (await openPicture(bytes)).autoOrient();
  return encoded(keptColours(upright, header), bytes, header, format);
}

/** What JPEG packs together at most. */
const BLOCK_PX = 16;
const QUALITY = 95;
const PACKED_QUALITY = 97;
/** Those whose last strip comes out on top. */
const REVERSED_ORIENTATIONS: readonly (number | undefined)[] = [3, 4, 7, 8];

/**
 * Turns strips of a JPEG, which become bands of the upright picture from top to bottom. Between the
 * two they lie on disk, packed at a quality that loses nothing to be seen: memory holds one strip.
 */
function turnedStrips(bytes: Buffer, header: PictureHeader, count: number): Promise<Buffer> {
  return withScratch((folder) => turnedThrough(folder, bytes, header, count));
}

async function turnedThrough(
  folder: string,
  bytes: Buffer,
  header: PictureHeader,
  count: number,
): Promise<Buffer> {
  const pack = async (picture: Sharp, name: string) => {
    const path = join(folder, `${name}.jpg`);
    await asJpeg(keptColours(picture, header), header, PACKED_QUALITY).toFile(path);
    return path;
  };
  // A progressive picture is held by its decoder as well, so it is laid flat first.
  const flat = header.isProgressive ? await pack(await openPicture(bytes), "flat") : bytes;
  const { width, height } = header;
  const { isMirrored, degrees } = turnFor(header.orientation);
  const isAcross = degrees % 180 !== 0;
  const length = isAcross ? width : height;
  const isReversed = REVERSED_ORIENTATIONS.includes(header.orientation);
  // All bands are as high as the first; what the last one lacks is cut off at the end.
  const band = Math.ceil(length / count / BLOCK_PX) * BLOCK_PX;
  const bands: string[] = [];
  for (let done = 0; done < length; done += band) {
    const size = Math.min(band, length - done);
    const from = isReversed ? length - done - size : done;
    const strip = isAcross
      ? { left: from, top: 0, width: size, height }
      : { left: 0, top: from, width, height: size };
    const cut = (await openPicture(flat)).extract(strip).flop(isMirrored).rotate(degrees);
    bands.push(await pack(cut, String(done)));
  }
  const sharp = await decoder();
  const joined = sharp(bands, {
    join: { across: 1 },
    limitInputPixels: MAX_PICTURE_PIXELS,
    failOn: "error",
    sequentialRead: true,
  });
  const upright = isAcross ? { width: height, height: width } : { width, height };
  const whole = joined.extract({ left: 0, top: 0, ...upright });
  const target = join(folder, "upright.jpg");
  await asJpeg(keptColours(whole, header), header).toFile(target);
  return readScratch(target);
}

/** Optimised coding would hold a picture's coefficients in memory, a gigabyte for the largest. */
function asJpeg(picture: Sharp, header: PictureHeader, quality = QUALITY): Sharp {
  return picture.jpeg({
    quality,
    chromaSubsampling: subsampling(header),
    optimiseCoding: false,
  });
}

async function turnedFrames(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): Promise<Buffer> {
  const pages = header.pages ?? 1;
  const sharp = await decoder();
  const roll = await openPicture(bytes, { pages: -1 });
  const { data, info } = await roll.raw().toBuffer({ resolveWithObject: true });
  const { width, channels } = info;
  const height = info.pageHeight ?? Math.floor(info.height / pages);
  const frameBytes = width * height * channels;
  const { isMirrored, degrees } = turnFor(header.orientation);
  const frames: Buffer[] = [];
  for (let at = 0; at + frameBytes <= data.length; at += frameBytes) {
    const raw = { width, height, channels };
    const mirrored = await sharp(data.subarray(at, at + frameBytes), { raw })
      .flop(isMirrored)
      .raw()
      .toBuffer();
    frames.push(await sharp(mirrored, { raw }).rotate(degrees).raw().toBuffer());
  }
  const isAcross = degrees % 180 !== 0;
  const frame = isAcross ? { width: height, height: width } : { width, height };
  const raw = {
    width: frame.width,
    height: frame.height * frames.length,
    channels,
    pageHeight: frame.height,
  };
  return encoded(sharp(Buffer.concat(frames), { raw }), bytes, header, format);
}

const PLAIN_SPACES = ["srgb", "b-w", "rgb16", "grey16", "cmyk"];

/** Pixels and profile stay what they are, whatever the decoder would rather work in. */
function keptColours(picture: Sharp, { space }: PictureHeader): Sharp {
  if (!PLAIN_SPACES.includes(space)) return picture;
  const kept = picture.keepIccProfile().toColourspace(space);
  return space === "cmyk" ? kept.pipelineColourspace(space) : kept;
}

function subsampling({ chromaSubsampling }: PictureHeader): string {
  return chromaSubsampling === "4:2:0" ? "4:2:0" : "4:4:4";
}

function encoded(
  picture: Sharp,
  source: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): Promise<Buffer> {
  switch (format) {
    case "jpeg":
      return asJpeg(picture, header).toBuffer();
    case "webp": {
      const lossless = [...riffChunks(source)].some(({ name, dataStart }) =>
        [name, source.toString("latin1", dataStart + 16, dataStart + 20)].includes("VP8L"),
      );
      const { delay, loop } = header;
      const time = { ...(delay ? { delay } : {}), ...(loop === undefined ? {} : { loop }) };
      return picture.webp({ quality: QUALITY, lossless, ...time }).toBuffer();
    }
    case "tiff":
      return picture.tiff({ compression: "deflate" }).toBuffer();
    default:
      return picture.png().toBuffer();
  }
}
