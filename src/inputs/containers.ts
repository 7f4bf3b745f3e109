import { crc32 } from "node:zlib";

/*
 * The pieces of picture files, in order, as far as they are whole: what reads them sees where a
 * file is cut, and finds its metadata, without decoding anything. None of these throws, whatever
 * the bytes.
 */

/** A piece of a file: the whole of it, and what it holds. */
export interface Piece {
  /** In the words of the format: a marker, a chunk's type, a block's label. */
  name: string;
  start: number;
  /** Behind its last byte. */
  end: number;
  dataStart: number;
  dataEnd: number;
}

/** Segments by marker in hex, `d9` being the end; compressed data belongs to its `da`. */
export function* jpegSegments(bytes: Buffer): Generator<Piece> {
  let at = 2;
  for (;;) {
    const start = bytes.indexOf(0xff, at);
    if (start < 0) return;
    at = start + 1;
    const marker = bytes[at];
    if (marker === undefined) return;
    if (marker === 0xff || marker === 0x00) continue;
    at++;
    const name = marker.toString(16).padStart(2, "0");
    if (isAlone(marker)) {
      yield { name, start, end: at, dataStart: at, dataEnd: at };
      if (marker === 0xd9) return;
      continue;
    }
    if (at + 2 > bytes.length) return;
    const dataStart = at + 2;
    const dataEnd = at + Math.max(2, bytes.readUInt16BE(at));
    if (dataEnd > bytes.length) return;
    const end = marker === 0xda ? endOfScan(bytes, dataEnd) : dataEnd;
    yield { name, start, end, dataStart, dataEnd };
    at = end;
  }
}

/** Markers without data: start, end, restarts. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);
}

function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    const isData = next === 0x00 || next === 0xff || (next >= 0xd0 && next <= 0xd7);
    if (!isData) return at;
  }
  return bytes.length;
}

/** Chunks with their checksum. */
export function* pngChunks(bytes: Buffer): Generator<Piece & { isIntact: boolean }> {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const [start, dataStart] = [at, at + 8];
    const dataEnd = dataStart + bytes.readUInt32BE(at);
    const end = dataEnd + 4;
    if (end > bytes.length) return;
    const name = bytes.toString("latin1", start + 4, dataStart);
    const isIntact = crc32(bytes.subarray(start + 4, dataEnd)) === bytes.readUInt32BE(dataEnd);
    yield { name, start, end, dataStart, dataEnd, isIntact };
    if (name === "IEND") return;
    at = end;
  }
}

/** Chunks of a WebP file. */
export function* riffChunks(bytes: Buffer): Generator<Piece> {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [start, dataStart] = [at, at + 8];
    const size = bytes.readUInt32LE(at + 4);
    const dataEnd = dataStart + size;
    if (dataEnd > bytes.length) return;
    const name = bytes.toString("latin1", start, start + 4);
    at = Math.min(bytes.length, dataEnd + (size % 2));
    yield { name, start, end: at, dataStart, dataEnd };
  }
}

const GIF_TRAILER = 0x3b;
const GIF_IMAGE = 0x2c;
const GIF_EXTENSION = 0x21;

/** Blocks by their first byte in hex, `3b` being the end; of an extension its label as well. */
export function* gifBlocks(bytes: Buffer): Generator<Piece> {
  let at = 13 + colourTableSize(bytes[10] ?? 0);
  while (at < bytes.length) {
    const start = at;
    const kind = bytes[at] ?? 0;
    const name = bytes.toString("hex", at, at + (kind === GIF_EXTENSION ? 2 : 1));
    if (kind === GIF_TRAILER) {
      yield { name, start, end: at + 1, dataStart: at + 1, dataEnd: at + 1 };
      return;
    }
    if (kind === GIF_IMAGE) at += 11 + colourTableSize(bytes[at + 9] ?? 0);
    else if (kind === GIF_EXTENSION) at += 2;
    else return;
    const dataStart = at;
    for (let size = bytes[at]; size !== 0; size = bytes[at]) {
      if (size === undefined) return;
      at += 1 + size;
    }
    yield { name, start, end: at + 1, dataStart, dataEnd: at };
    at++;
  }
}

function colourTableSize(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1);
}

/** The outer boxes of an AVIF file. */
export function* isoBoxes(bytes: Buffer): Generator<Piece> {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const start = at;
    const short = bytes.readUInt32BE(at);
    const isLong = short === 1;
    if (isLong && at + 16 > bytes.length) return;
    const dataStart = at + (isLong ? 16 : 8);
    const size = isLong ? Number(bytes.readBigUInt64BE(at + 8)) : short;
    const end = short === 0 ? bytes.length : start + size;
    if (end < dataStart || end > bytes.length) return;
    yield { name: bytes.toString("latin1", at + 4, at + 8), start, end, dataStart, dataEnd: end };
    at = end;
  }
}
