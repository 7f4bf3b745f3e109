import * as sax from "sax";
import { type TiffDirectory, TiffReader } from "./tiff-directory.ts";

/*
 * Whether metadata says where a picture was made: by its fields, read as what they are. A word in
 * a caption is not a place, and a field without a value tells none.
 */

export const GPS_DIRECTORY_TAG = 0x8825;

const EXIF_AREA_TAG = 28;
/** Latitude and longitude of the camera, and of what it looked at. */
const EXIF_COORDINATE_TAGS: readonly number[] = [2, 4, 20, 22];

/** @param exif with or without the header that some files put before it. */
export function exifTellsPlace(exif: Buffer): boolean {
  const reader = TiffReader.of(exifBody(exif));
  return reader?.directories().list.some((directory) => hasPlace(reader, directory)) ?? false;
}

/** What is built like a TIFF file inside an EXIF block; it shares the block's memory. */
export function exifBody(exif: Buffer): Buffer {
  return exif.subarray(exif.toString("latin1", 0, 4) === "Exif" ? 6 : 0);
}

/** Whether a main directory leads to coordinates. What cannot be followed may: it is taken so. */
export function hasPlace(reader: TiffReader, directory: TiffDirectory): boolean {
  return directory.fields.some((field) => {
    if (field.tag !== GPS_DIRECTORY_TAG) return false;
    const [at] = reader.numbers(field);
    const gps = at === undefined ? undefined : reader.directory(at);
    if (!gps) return true;
    return gps.fields.some((one) => {
      if (EXIF_COORDINATE_TAGS.includes(one.tag)) return reader.hasFraction(one);
      return one.tag === EXIF_AREA_TAG && hasWords(reader.value(one).subarray(8));
    });
  });
}

const IPTC_PLACE_FIELDS: ReadonlySet<number> = new Set([26, 27, 90, 92, 95, 100, 101]);
const IPTC_MARK = 0x1c;
const IPTC_RESOURCE = 0x0404;

/** @param block of IPTC records, bare or among Photoshop's resources. */
export function iptcTellsPlace(block: Buffer): boolean {
  const resources = block.toString("latin1", 0, 14) === "Photoshop 3.0\0" ? 14 : 0;
  if (block.toString("latin1", resources, resources + 4) === "8BIM") {
    return photoshopResources(block.subarray(resources)).some(
      ({ id, data }) => id === IPTC_RESOURCE && iptcTellsPlace(data),
    );
  }
  for (let at = 0; at + 5 <= block.length && block[at] === IPTC_MARK; ) {
    const size = block.readUInt16BE(at + 3);
    const isPlace = block[at + 1] === 2 && IPTC_PLACE_FIELDS.has(block[at + 2] ?? 0);
    if (isPlace && hasWords(block.subarray(at + 5, at + 5 + size))) return true;
    at += 5 + size;
  }
  return false;
}

function photoshopResources(block: Buffer): { id: number; data: Buffer }[] {
  const found: { id: number; data: Buffer }[] = [];
  for (let at = 0; at + 12 <= block.length && block.toString("latin1", at, at + 4) === "8BIM"; ) {
    const id = block.readUInt16BE(at + 4);
    const nameBytes = (block[at + 6] ?? 0) + 1;
    const sizeAt = at + 6 + nameBytes + (nameBytes % 2);
    if (sizeAt + 4 > block.length) break;
    const size = block.readUInt32BE(sizeAt);
    found.push({ id, data: block.subarray(sizeAt + 4, sizeAt + 4 + size) });
    at = sizeAt + 4 + size + (size % 2);
  }
  return found;
}

/** Vocabularies whose `City`, `State`, `Location` and the like mean the picture's place. */
const PLACE_VOCABULARIES = /iptc\.org|photoshop|schema\.org|ns\.google\.com/i;
const PLACE_NAMES =
  /^(?:city|state|country|countrycode|countryname|location|locationname|locationid|sublocation|provincestate|worldregion)$/i;
/** Coordinates by whatever vocabulary; makers of drones and phones have their own. */
const COORDINATE_NAMES =
  /^(?:gps(?:dest)?(?:latitude|longitude|longtitude|position|coordinates|areainformation)|(?:decimal)?(?:latitude|longitude)|lat|long)$/i;

/** Descriptions are small; what is longer carries whole pictures, and only names are looked for in it. */
const MAX_PARSED_CHARACTERS = 256 * 1024;
const PARSED_AT_ONCE = 4096;
/** What has more faults than this is no description. */
const MAX_FAULTS = 20;
const COORDINATE_FIELD = /gps(?:latitude|longitude)\s*(?:=\s*["'][^"'\s]|>\s*[^<\s])/i;

/** @param xmp as UTF-8 or, by its mark, UTF-16. */
export function xmpTellsPlace(xmp: Buffer): boolean {
  const text = decoded(xmp).replaceAll("\0", "");
  let found = COORDINATE_FIELD.test(text.slice(MAX_PARSED_CHARACTERS));
  let faults = 0;
  const isPlace = (local: string, uri: string) =>
    COORDINATE_NAMES.test(local) || (PLACE_NAMES.test(local) && PLACE_VOCABULARIES.test(uri));
  const open: boolean[] = [];
  const parser = sax.parser(true, { xmlns: true, position: false });
  parser.onopentag = (tag) => {
    if (!("local" in tag)) return;
    open.push(open.at(-1) === true || isPlace(tag.local, tag.uri));
    for (const { local, uri, value } of Object.values(tag.attributes)) {
      if (value.trim() !== "" && isPlace(local, uri)) found = true;
    }
  };
  parser.onclosetag = () => {
    open.pop();
  };
  parser.ontext = (words) => {
    if (open.at(-1) === true && words.trim() !== "") found = true;
  };
  // What is not well formed is read on as far as it goes.
  parser.onerror = () => {
    faults++;
    parser.resume();
  };
  for (let at = 0; at < Math.min(text.length, MAX_PARSED_CHARACTERS); at += PARSED_AT_ONCE) {
    parser.write(text.slice(at, at + PARSED_AT_ONCE));
    if (found || faults > MAX_FAULTS) return found;
  }
  parser.close();
  return found;
}

function decoded(xmp: Buffer): string {
  const mark = xmp.toString("hex", 0, 2);
  if (mark === "fffe") return xmp.toString("utf16le");
  if (mark === "feff")
    return Buffer.from(xmp.subarray(0, xmp.length & ~1))
      .swap16()
      .toString("utf16le");
  return xmp.toString("utf8");
}

function hasWords(bytes: Buffer): boolean {
  return /[^\s\0]/.test(bytes.toString("latin1"));
}
