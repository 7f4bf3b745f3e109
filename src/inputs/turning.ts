import type { Sharp } from "sharp";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { decoder, openPicture, type PictureHeader } from "../media/decoder.ts";
import { turnFor } from "../media/orientation.ts";
import { riffChunks } from "./containers.ts";
import type { PictureFormat } from "./picture-format.ts";

/** A picture is held whole to be turned; of a larger JPEG one strip after the other is. */
const MAX_HELD_PIXELS = 35_000_000;
/** Frames are turned one by one out of all of them together. */
const MAX_FRAME_PIXELS = 50_000_000;

/** Whether a picture lies on its side or its head, and says so where the provider does not look. */
export function isLying(header: PictureHeader, format: PictureFormat): boolean {
  // The decoder of AVIF turns it itself, by the picture's own structure.
  return format !== "avif" && (header.orientation ?? 1) !== 1;
}

/**
 * A lying picture upright, with its depth, colours, transparency and frames, of the same format.
 * @param maxHeldPixels how much of it may be in memory at a time.
 * @returns `undefined` where it has more frames than can be turned here.
 * @throws what the decoder throws.
 */
export async function turnedUpright(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
  maxHeldPixels = MAX_HELD_PIXELS,
): Promise<Buffer | undefined> {
  if ((header.pages ?? 1) > 1) return turnedFrames(bytes, header, format);
  const strips = Math.ceil((header.width * header.height) / maxHeldPixels);
  if (format === "jpeg" && strips > 1 && ["srgb", "b-w"].includes(header.space)) {
    return turnedStrips(bytes, header, strips);
  }
  const upright = (await openPicture(bytes)).autoOrient();
  return encoded(keptColours(upright, header), bytes, header, format);
}

/** What JPEG packs together at most. */
const BLOCK_PX = 16;
/** Those whose last strip comes out on top. */
const REVERSED_ORIENTATIONS: readonly (number | undefined)[] = [3, 4, 7, 8];

/**
 * Turns strips of a JPEG, which become bands of the upright picture from top to bottom. Between the
 * two they are kept packed, at a quality that loses nothing to be seen.
 */
async function turnedStrips(bytes: Buffer, header: PictureHeader, count: number): Promise<Buffer> {
  // A progressive picture is held by its decoder as well, so it is laid flat first.
  const flat = header.isProgressive
    ? await packed(keptColours(await openPicture(bytes), header), header)
    : bytes;
  const { width, height } = header;
  const { isMirrored, degrees } = turnFor(header.orientation);
  const isAcross = degrees % 180 !== 0;
  const length = isAcross ? width : height;
  const isReversed = REVERSED_ORIENTATIONS.includes(header.orientation);
  // All bands are as high as the first; what the last one lacks is cut off at the end.
  const band = Math.ceil(length / count / BLOCK_PX) * BLOCK_PX;
  const bands: Buffer[] = [];
  for (let done = 0; done < length; done += band) {
    const size = Math.min(band, length - done);
    const from = isReversed ? length - done - size : done;
    const strip = isAcross
      ? { left: from, top: 0, width: size, height }
      : { left: 0, top: from, width, height: size };
    const cut = (await openPicture(flat)).extract(strip).flop(isMirrored).rotate(degrees);
    bands.push(await packed(keptColours(cut, header), header));
  }
  const sharp = await decoder();
  const joined = sharp(bands, {
    join: { across: 1 },
    limitInputPixels: MAX_PICTURE_PIXELS,
    failOn: "error",
  });
  const upright = isAcross ? { width: height, height: width } : { width, height };
  const whole = joined.extract({ left: 0, top: 0, ...upright });
  return encoded(keptColours(whole, header), bytes, header, "jpeg");
}

function packed(picture: Sharp, header: PictureHeader): Promise<Buffer> {
  return picture
    .jpeg({ quality: 97, chromaSubsampling: subsampling(header), optimiseCoding: false })
    .toBuffer();
}

async function turnedFrames(
  bytes: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): Promise<Buffer | undefined> {
  const pages = header.pages ?? 1;
  const isTooMuch = header.width * header.height * pages > MAX_FRAME_PIXELS;
  if (isTooMuch || header.depth !== "uchar") return undefined;
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

/** Optimised coding would hold a picture's coefficients in memory, a gigabyte for the largest. */
function encoded(
  picture: Sharp,
  source: Buffer,
  header: PictureHeader,
  format: PictureFormat,
): Promise<Buffer> {
  switch (format) {
    case "jpeg":
      return picture
        .jpeg({ quality: 95, chromaSubsampling: subsampling(header), optimiseCoding: false })
        .toBuffer();
    case "webp": {
      const lossless = [...riffChunks(source)].some(({ name, dataStart }) =>
        [name, source.toString("latin1", dataStart + 16, dataStart + 20)].includes("VP8L"),
      );
      const { delay, loop } = header;
      const time = { ...(delay ? { delay } : {}), ...(loop === undefined ? {} : { loop }) };
      return picture.webp({ quality: 95, lossless, ...time }).toBuffer();
    }
    case "tiff":
      return picture.tiff({ compression: "deflate" }).toBuffer();
    default:
      return picture.png().toBuffer();
  }
}
