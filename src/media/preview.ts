import { availableParallelism } from "node:os";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { type PictureSource, readHeader, whileDecoding } from "./decoder.ts";
import { type MediaRef, type MediaStore, readMedium } from "./media-store.ts";
import { sizeInHead } from "./size-in-head.ts";
import { fromRaw, type Pixels, rawOf, smallPixels, within } from "./small-pixels.ts";

const LONG_SIDE_PX = 1024;
/** Hosts cut results at about 1 MB; this leaves room for everything else. */
export const PREVIEW_BUDGET_BASE64 = 700 * 1024;
const QUALITIES = [82, 70, 55, 40] as const;
/** How many colours a picture with transparency keeps; all of them at first. */
const COLOURS = [undefined, 256, 64] as const;
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

/**
 * Pixels from a picture's header.
 * @param head the first bytes of its file, where they are at hand: they tell it of most pictures.
 * @returns `undefined` when it cannot be read as a picture.
 */
export async function pictureFacts(
  picture: PictureSource,
  head = typeof picture === "string" ? undefined : picture,
): Promise<PictureFacts | undefined> {
  try {
    const { width, height } = (head && sizeInHead(head)) ?? (await readHeader(picture));
    return width * height <= MAX_PICTURE_PIXELS ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A small rendering of a picture for a model's eyes: long side at most 1,024 px, PNG where
 * something is transparent, else JPEG: local models' hosts know no other. Decoding and encoding
 * are done beside the event loop.
 * @param maxBase64 how long it may be once encoded, in characters.
 * @returns `undefined` when there is none; see {@link whyNoPreview}.
 */
export async function makePreview(
  picture: PictureSource,
  maxBase64: number,
): Promise<Preview | undefined> {
  const maxBytes = Math.floor(maxBase64 / 4) * 3;
  try {
    const header = await readHeader(picture);
    return await whileDecoding(header, async () =>
      fitting(await smallPixels(picture, header, LONG_SIDE_PX), maxBytes),
    );
  } catch {
    // A picture that cannot be decoded is still delivered as a file.
    return undefined;
  }
}

async function fitting(decoded: Pixels, maxBytes: number): Promise<Preview | undefined> {
  let pixels = decoded;
  const encode = showsThrough(pixels) ? pngs : jpegs;
  for (let side = LONG_SIDE_PX; side >= MIN_SIDE_PX; side = Math.floor(side * 0.7)) {
    if (side < Math.max(pixels.info.width, pixels.info.height)) {
      pixels = await rawOf(within(await fromRaw(pixels), side));
    }
    for await (const preview of encode(pixels)) {
      if (preview.data.length <= maxBytes) return preview;
      if (preview.data.length > maxBytes * HOPELESS_RATIO) break;
    }
  }
  return undefined;
}

/**
 * Previews of several pictures, together at most `maxBase64` characters. One processor is left to
 * everything else, which is what keeps a busy server answering.
 * @returns in order, `undefined` where there is none.
 */
export async function makePreviews(
  pictures: readonly PictureSource[],
  maxBase64: number,
): Promise<(Preview | undefined)[]> {
  const share = Math.floor(maxBase64 / Math.max(1, pictures.length));
  const previews: (Preview | undefined)[] = [];
  const next = pictures.entries();
  const work = async () => {
    for (const [at, picture] of next) previews[at] = await makePreview(picture, share);
  };
  const workers = Math.max(1, availableParallelism() - 1);
  await Promise.all(Array.from({ length: workers }, work));
  return previews;
}

/** Why a file that should be a picture is not shown, in a few words. */
export async function whyNoPreview(picture: PictureSource): Promise<string> {
  const header = await readHeader(picture).catch(() => undefined);
  if (!header) return "it cannot be read as a picture";
  if (header.width * header.height > MAX_PICTURE_PIXELS) {
    return `its header promises ${header.width}×${header.height} pixels`;
  }
  return "it cannot be decoded";
}

/** The file itself, where it fits. @returns `undefined` where it does not, or is not there. */
export async function fullPreview(
  store: Pick<MediaStore, "open" | "stat">,
  { owner, ref, mimeType }: { owner: string; ref: MediaRef; mimeType: string },
  maxBase64: number,
): Promise<Preview | undefined> {
  const fits = (bytes: number) => Math.ceil(bytes / 3) * 4 <= maxBase64;
  const size = (await store.stat(owner, ref))?.sizeBytes;
  if (size === undefined || !fits(size)) return undefined;
  const data = await readMedium(store, owner, ref).catch(() => undefined);
  return data && fits(data.length) ? { data, mimeType } : undefined;
}

/** Whether anything is seen through a picture; an alpha channel alone says nothing of it. */
function showsThrough({ data, info: { channels } }: Pixels): boolean {
  if (channels !== 2 && channels !== 4) return false;
  for (let at = channels - 1; at < data.length; at += channels) {
    if (data[at] !== 255) return true;
  }
  return false;
}

async function* jpegs(pixels: Pixels): AsyncGenerator<Preview> {
  for (const quality of QUALITIES) {
    const opaque = (await fromRaw(pixels)).removeAlpha();
    yield {
      data: await opaque.jpeg({ quality, mozjpeg: true }).toBuffer(),
      mimeType: "image/jpeg",
    };
  }
}

async function* pngs(pixels: Pixels): AsyncGenerator<Preview> {
  for (const colours of COLOURS) {
    const options = colours === undefined ? {} : { palette: true, colours, effort: 4 };
    yield {
      data: await (await fromRaw(pixels)).png(options).toBuffer(),
      mimeType: "image/png",
    };
  }
}
