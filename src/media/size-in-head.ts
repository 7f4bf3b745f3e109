import { crc32 } from "node:zlib";

const PNG_START = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");
/** Where the name of a PNG's first block begins, its size in pixels, and its checksum. */
const [PNG_NAME, PNG_SIZE, PNG_CHECKSUM, PNG_END] = [12, 16, 29, 33] as const;

const JPEG_START = 0xffd8;
/** Baseline, extended and progressive: what every decoder knows. */
const JPEG_FRAMES: readonly number[] = [0xffc0, 0xffc1, 0xffc2];
const [JPEG_SCAN, JPEG_FIRST_BLOCK, JPEG_LAST_BLOCK] = [0xffda, 0xffc0, 0xfffe] as const;
const JPEG_DEPTH = 8;

/** What a picture has in pixels. */
interface Size {
  width: number;
  height: number;
}

/**
 * Pixels from the beginning of a PNG or JPEG that says so plainly, as nearly all finished pictures
 * do: to be asked for one that was just fetched, the decoder opens its file several times.
 * @returns `undefined` where the decoder has to be asked.
 */
export function sizeInHead(head: Buffer): Size | undefined {
  const size = sizeInPng(head) ?? sizeInJpeg(head);
  return size && size.width > 0 && size.height > 0 ? size : undefined;
}

function sizeInPng(head: Buffer): Size | undefined {
  if (head.length < PNG_END || !head.subarray(0, PNG_START.length).equals(PNG_START)) {
    return undefined;
  }
  if (crc32(head.subarray(PNG_NAME, PNG_CHECKSUM)) !== head.readUInt32BE(PNG_CHECKSUM)) {
    return undefined;
  }
  return { width: head.readUInt32BE(PNG_SIZE), height: head.readUInt32BE(PNG_SIZE + 4) };
}

function sizeInJpeg(head: Buffer): Size | undefined {
  if (head.length < 2 || head.readUInt16BE(0) !== JPEG_START) return undefined;
  for (let at = 2; at + 9 <= head.length; ) {
    const name = head.readUInt16BE(at);
    if (JPEG_FRAMES.includes(name)) {
      if (head[at + 4] !== JPEG_DEPTH) return undefined;
      return { width: head.readUInt16BE(at + 7), height: head.readUInt16BE(at + 5) };
    }
    if (name === JPEG_SCAN || name < JPEG_FIRST_BLOCK || name > JPEG_LAST_BLOCK) return undefined;
    at += 2 + head.readUInt16BE(at + 2);
  }
  return undefined;
}
