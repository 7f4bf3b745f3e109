import { readHeader } from "../media/decoder.ts";
import { gifBlocks, isoBoxes, jpegSegments, pngChunks, riffChunks } from "./containers.ts";
import { TiffReader } from "./tiff-directory.ts";

/** What is taken of a caller's pictures. */
export type PictureFormat = "png" | "jpeg" | "webp" | "gif" | "tiff" | "avif" | "bmp";

const BY_TYPE: Readonly<Record<string, PictureFormat>> = {
  "image/png": "png",
  "image/apng": "png",
  "image/jpeg": "jpeg",
  "image/webp": "webp",
  "image/gif": "gif",
  "image/tiff": "tiff",
  "image/avif": "avif",
  "image/bmp": "bmp",
};

export const EXTENSIONS: Readonly<Record<PictureFormat, string>> = {
  png: "png",
  jpeg: "jpg",
  webp: "webp",
  gif: "gif",
  tiff: "tif",
  avif: "avif",
  bmp: "bmp",
};

/** By the bytes, whatever the file is called. @returns else what it is instead, if that is known. */
export async function pictureFormat(
  bytes: Buffer,
): Promise<{ format: PictureFormat } | { format: undefined; mimeType: string | undefined }> {
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  const format = BY_TYPE[type?.mime ?? ""];
  if (format) return { format };
  // An AVIF picture may name the general format first.
  if (type?.mime.startsWith("image/hei")) {
    const header = await readHeader(bytes).catch(() => undefined);
    if (header?.compression === "av1") return { format: "avif" };
  }
  return { format: undefined, mimeType: type?.mime };
}

/**
 * Whether a file has its end, by the structure of its format alone. A decoder forgives what is
 * missing at the end of some formats, and does not look at all frames of others.
 */
export function hasEnd(bytes: Buffer, format: PictureFormat): boolean {
  switch (format) {
    case "jpeg":
      return lastOf(jpegSegments(bytes))?.name === "d9";
    case "png":
      return pngIsIntact(bytes);
    case "gif":
      return lastOf(gifBlocks(bytes))?.name === "3b";
    case "webp": {
      const end = bytes.length < 12 ? 0 : bytes.readUInt32LE(4) + 8;
      return end <= bytes.length && (lastOf(riffChunks(bytes))?.end ?? 0) >= end;
    }
    case "avif": {
      const end = lastOf(isoBoxes(bytes))?.end ?? 0;
      return end > 0 && bytes.subarray(end).every((byte) => byte === 0);
    }
    case "tiff":
      return tiffIsWhole(bytes);
    case "bmp":
      return bmpIsWhole(bytes);
  }
}

function lastOf<T>(pieces: Iterable<T>): T | undefined {
  let last: T | undefined;
  for (const piece of pieces) last = piece;
  return last;
}

/** Checksums as well: frames behind the first are not decoded here. */
function pngIsIntact(bytes: Buffer): boolean {
  let last = "";
  for (const { name, isIntact } of pngChunks(bytes)) {
    const matters = /^[A-Z]/.test(name) || /^(?:acTL|fcTL|fdAT)$/.test(name);
    if (matters && !isIntact) return false;
    last = name;
  }
  return last === "IEND";
}

/** Where each page's pixels begin, and how many bytes they are. */
const PIXEL_TAGS = [
  [273, 279],
  [324, 325],
] as const;

function tiffIsWhole(bytes: Buffer): boolean {
  const reader = TiffReader.of(bytes);
  const found = reader?.directories();
  if (!reader || !found?.isWhole) return false;
  return found.list.every(({ fields }) =>
    PIXEL_TAGS.every(([startTag, sizeTag]) => {
      const starts = fields.find(({ tag }) => tag === startTag);
      const sizes = fields.find(({ tag }) => tag === sizeTag);
      if (!starts || !sizes) return true;
      const lengths = reader.numbers(sizes);
      const ends = reader.numbers(starts).map((start, i) => start + (lengths[i] ?? 0));
      return ends.length === starts.count && ends.every((end) => end <= bytes.length);
    }),
  );
}

/** Rows of pixels as they are; all else says itself how much it is. */
const BMP_PLAIN = [0, 3, 6];

function bmpIsWhole(bytes: Buffer): boolean {
  if (bytes.length < 38) return false;
  const { width, height } = bmpSize(bytes);
  const start = bytes.readUInt32LE(10);
  const isOld = bytes.readUInt32LE(14) === 12;
  const bits = bytes.readUInt16LE(isOld ? 24 : 28);
  const packing = isOld ? 0 : bytes.readUInt32LE(30);
  const pixelBytes = BMP_PLAIN.includes(packing)
    ? Math.ceil((width * bits) / 32) * 4 * height
    : bytes.readUInt32LE(34);
  return width > 0 && height > 0 && start + pixelBytes <= bytes.length;
}

/** @returns nothing wide where the header is cut. */
export function bmpSize(bytes: Buffer): { width: number; height: number } {
  if (bytes.length < 26) return { width: 0, height: 0 };
  if (bytes.readUInt32LE(14) === 12) {
    return { width: bytes.readUInt16LE(18), height: bytes.readUInt16LE(20) };
  }
  return { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) };
}
