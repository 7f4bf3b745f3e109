import { inflateSync } from "node:zlib";
import type { PictureHeader } from "../media/decoder.ts";
import { gifBlocks, jpegSegments, type Piece, pngChunks, riffChunks } from "./containers.ts";
import type { PictureFormat } from "./picture-format.ts";
import {
  exifBody,
  exifTellsPlace,
  GPS_DIRECTORY_TAG,
  hasPlace,
  iptcTellsPlace,
  xmpTellsPlace,
} from "./picture-place.ts";
import { TiffReader } from "./tiff-directory.ts";

type Vocabulary = "exif" | "iptc" | "xmp";

/** A piece of a file that describes the picture, and the description itself. */
interface Description extends Piece {
  vocabulary: Vocabulary;
  payload: Buffer;
}

const WEBP_CHUNKS: Readonly<Record<string, Vocabulary>> = { EXIF: "exif", "XMP ": "xmp" };

const TELLS_PLACE: Readonly<Record<Vocabulary, (payload: Buffer) => boolean>> = {
  exif: exifTellsPlace,
  iptc: iptcTellsPlace,
  xmp: xmpTellsPlace,
};

/**
 * The same picture without what says where it was made; pixels, colours and frames stay as they
 * are, byte for byte.
 * @returns `undefined` where nothing says so.
 */
export function withoutPlace(
  bytes: Buffer,
  format: PictureFormat,
  header: Pick<PictureHeader, "exif" | "xmp">,
): Buffer | undefined {
  switch (format) {
    case "tiff":
      return cleanTiff(bytes);
    case "avif":
      return cleanAvif(bytes, header);
    case "bmp":
      return undefined;
    default: {
      const found = descriptions(bytes, format);
      const tells = found.some(({ vocabulary, payload }) => TELLS_PLACE[vocabulary](payload));
      return tells ? without(bytes, format, found) : undefined;
    }
  }
}

function descriptions(bytes: Buffer, format: PictureFormat): Description[] {
  switch (format) {
    case "jpeg":
      return jpegDescriptions(bytes);
    case "png":
      return [...pngChunks(bytes)].flatMap((chunk) => {
        const found = pngDescription(chunk.name, bytes.subarray(chunk.dataStart, chunk.dataEnd));
        return found ? [{ ...chunk, ...found }] : [];
      });
    case "webp":
      return [...riffChunks(bytes)].flatMap((chunk) => {
        const vocabulary = WEBP_CHUNKS[chunk.name];
        const payload = bytes.subarray(chunk.dataStart, chunk.dataEnd);
        return vocabulary ? [{ ...chunk, vocabulary, payload }] : [];
      });
    case "gif":
      return [...gifBlocks(bytes)].flatMap((block) => {
        const payload = bytes.subarray(block.dataStart + 12, block.dataEnd);
        const label = bytes.toString("latin1", block.dataStart + 1, block.dataStart + 12);
        const isXmp = block.name === "21ff" && label === "XMP DataXMP";
        return isXmp
          ? [{ ...block, vocabulary: "xmp" as const, payload: beforeTrailer(payload) }]
          : [];
      });
    default:
      return [];
  }
}

/** XMP in a GIF ends with bytes that lead every reader of blocks out of it. */
function beforeTrailer(payload: Buffer): Buffer {
  const end = payload.lastIndexOf(">");
  return payload.subarray(0, end + 1);
}

const JPEG_HEADS = [
  { name: "e1", head: "Exif\0", vocabulary: "exif", skipped: 0 },
  { name: "e1", head: "http://ns.adobe.com/xap/1.0/\0", vocabulary: "xmp", skipped: 29 },
  { name: "e1", head: "http://ns.adobe.com/xmp/extension/\0", vocabulary: "xmp", skipped: 75 },
  { name: "ed", head: "Photoshop 3.0\0", vocabulary: "iptc", skipped: 14 },
] as const;

/** What is spread over several segments is read as one. */
function jpegDescriptions(bytes: Buffer): Description[] {
  const found: Description[] = [];
  for (const segment of jpegSegments(bytes)) {
    const data = bytes.subarray(segment.dataStart, segment.dataEnd);
    const kind = JPEG_HEADS.find(
      ({ name, head }) => name === segment.name && data.toString("latin1", 0, head.length) === head,
    );
    if (!kind) continue;
    const payload = data.subarray(kind.skipped);
    found.push({ ...segment, vocabulary: kind.vocabulary, payload });
  }
  const joined = (vocabulary: Vocabulary) =>
    Buffer.concat(found.flatMap((one) => (one.vocabulary === vocabulary ? [one.payload] : [])));
  const [xmp, iptc] = [joined("xmp"), joined("iptc")];
  return found.map((one) =>
    one.vocabulary === "exif" ? one : { ...one, payload: one.vocabulary === "xmp" ? xmp : iptc },
  );
}

const MAX_TEXT_BYTES = 16 * 1024 * 1024;

function pngDescription(
  name: string,
  data: Buffer,
): Pick<Description, "vocabulary" | "payload"> | undefined {
  if (name === "eXIf") return { vocabulary: "exif", payload: data };
  if (name !== "iTXt" && name !== "tEXt" && name !== "zTXt") return undefined;
  const end = data.indexOf(0);
  const keyword = data.toString("latin1", 0, Math.max(0, end));
  const text = pngText(name, data.subarray(end + 1));
  if (keyword === "XML:com.adobe.xmp") return { vocabulary: "xmp", payload: text };
  const [, profile] = /^Raw profile type (exif|iptc|xmp|APP1|8bim)$/i.exec(keyword) ?? [];
  if (profile === undefined) return undefined;
  const [, hex = ""] = /^\s*\S+\s+\d+\s+([\s\S]*)$/.exec(text.toString("latin1")) ?? [];
  const payload = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  if (/iptc|8bim/i.test(profile)) return { vocabulary: "iptc", payload };
  const isExif = payload.toString("latin1", 0, 4) === "Exif" || /exif/i.test(profile);
  return { vocabulary: isExif ? "exif" : "xmp", payload };
}

/** What stands behind the keyword, unpacked; nothing where it cannot be. */
function pngText(name: string, rest: Buffer): Buffer {
  const isPacked = name === "zTXt" || (name === "iTXt" && rest[0] === 1);
  let start = name === "tEXt" ? 0 : name === "zTXt" ? 1 : 2;
  // Language and translated keyword.
  if (name === "iTXt") start = rest.indexOf(0, rest.indexOf(0, start) + 1) + 1;
  if (!isPacked) return rest.subarray(start);
  try {
    return inflateSync(rest.subarray(start), { maxOutputLength: MAX_TEXT_BYTES });
  } catch {
    return Buffer.alloc(0);
  }
}

const RIFF_SIZE_AT = 4;
const VP8X_EXIF_AND_XMP = 0x0c;

function without(bytes: Buffer, format: PictureFormat, pieces: readonly Piece[]): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const { start, end } of pieces) {
    kept.push(bytes.subarray(at, start));
    at = end;
  }
  // Behind its end a JPEG may carry further pictures with a place of their own.
  const last = format === "jpeg" ? [...jpegSegments(bytes)].at(-1) : undefined;
  kept.push(bytes.subarray(at, last?.name === "d9" ? last.end : bytes.length));
  const cleaned = Buffer.concat(kept);
  if (format === "webp") {
    cleaned.writeUInt32LE(cleaned.length - 8, RIFF_SIZE_AT);
    const extended = [...riffChunks(cleaned)].find(({ name }) => name === "VP8X");
    if (extended) {
      const flags = cleaned[extended.dataStart] ?? 0;
      cleaned[extended.dataStart] = flags & ~VP8X_EXIF_AND_XMP;
    }
  }
  return cleaned;
}

const XMP_TAG = 700;
const IPTC_TAG = 33_723;
const PHOTOSHOP_TAG = 34_377;

function cleanTiff(bytes: Buffer): Buffer | undefined {
  const reader = TiffReader.of(Buffer.from(bytes));
  return reader && cleanDirectories(reader) ? reader.bytes : undefined;
}

/** Takes the place out of a TIFF file or an EXIF block, where it lies. @returns whether one was. */
function cleanDirectories(reader: TiffReader): boolean {
  let isChanged = false;
  // Many directories may share one description: what is too much to read is taken out unread.
  let unread = MAX_TEXT_BYTES;
  for (const { at } of reader.directories().list) {
    // Each removal moves what stands behind it.
    for (;;) {
      const directory = reader.directory(at);
      const field = directory?.fields.find(({ tag, ...rest }) => {
        if (tag === GPS_DIRECTORY_TAG) return hasPlace(reader, directory);
        const value = () => reader.value({ tag, ...rest });
        if (tag === XMP_TAG) {
          unread -= rest.valueBytes;
          return unread < 0 || xmpTellsPlace(value());
        }
        return (tag === IPTC_TAG || tag === PHOTOSHOP_TAG) && iptcTellsPlace(value());
      });
      if (!directory || !field) break;
      const [gpsAt] = field.tag === GPS_DIRECTORY_TAG ? reader.numbers(field) : [];
      const gps = gpsAt === undefined ? undefined : reader.directory(gpsAt);
      reader.remove(directory, field);
      if (gps && gps.at !== at) reader.blank(gps);
      isChanged = true;
    }
  }
  return isChanged;
}

/** Its parts are found by their place in the file, so nothing may move. */
function cleanAvif(
  bytes: Buffer,
  { exif, xmp }: Pick<PictureHeader, "exif" | "xmp">,
): Buffer | undefined {
  const cleaned = Buffer.from(bytes);
  let isChanged = false;
  const at = exif && exifTellsPlace(exif) ? cleaned.indexOf(exifBody(exif)) : -1;
  if (exif && at >= 0) {
    const reader = TiffReader.of(cleaned.subarray(at, at + exifBody(exif).length));
    isChanged = reader !== undefined && cleanDirectories(reader);
  }
  const xmpAt = xmp && xmpTellsPlace(xmp) ? cleaned.indexOf(xmp) : -1;
  if (xmp && xmpAt >= 0) {
    cleaned.fill(" ", xmpAt, xmpAt + xmp.length);
    isChanged = true;
  }
  return isChanged ? cleaned : undefined;
}
