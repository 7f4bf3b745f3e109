import { isUtf8 } from "node:buffer";

/** How the text of a file is written, and how many bytes at its beginning say so. */
export type Encoding =
  | { reads: "utf-8" | "utf-16le" | "utf-16be"; markBytes: number }
  /** What it seems to be, which is not read. */
  | { reads: undefined; seems: string; isPicture: boolean };

/** In UTF-8. */
export const LONGEST_CHARACTER = 4;
const PDF = Buffer.from("%PDF-");
/** What text has below the blank: tabs, ends of lines and pages, and the beginning of colours. */
const WHITE = [0x09, 0x0a, 0x0c, 0x0d, 0x1b];

/**
 * How a file is written, by its mark, or by its beginning where that is clear.
 * @param head the first bytes of the file, `HEAD_BYTES` where it has so many.
 */
export async function encodingOf(head: Buffer): Promise<Encoding> {
  const starts = (...bytes: number[]) => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) return notRead("UTF-32 text");
  // Some have only ASCII in them, and none says its words in it.
  if (head.subarray(0, PDF.length).equals(PDF)) return notRead("a file of type application/pdf");
  if (starts(0xef, 0xbb, 0xbf)) return { reads: "utf-8", markBytes: 3 };
  if (starts(0xff, 0xfe)) return { reads: "utf-16le", markBytes: 2 };
  if (starts(0xfe, 0xff)) return { reads: "utf-16be", markBytes: 2 };
  if (!head.includes(0) && isUtf8(head.subarray(0, endOfCharacters(head)))) {
    return { reads: "utf-8", markBytes: 0 };
  }
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  if (type?.mime.startsWith("image/")) {
    const seems = `a picture (${type.ext.toUpperCase()})`;
    return { reads: undefined, seems, isPicture: true };
  }
  if (type) return notRead(`a file of type ${type.mime}`);
  const unmarked = unmarkedUtf16(head);
  if (unmarked) return { reads: unmarked, markBytes: 0 };
  const controls = head.filter((byte) => byte < 0x20 && !WHITE.includes(byte));
  if (head.includes(0) || controls.length > head.length / 50) return notRead("binary data");
  return notRead(
    isMostlyHigh(head)
      ? "text in an older encoding such as GB18030, Shift_JIS, Big5, EUC-KR or Windows-1251"
      : "text in an older encoding such as Windows-1252 or ISO-8859-1",
  );
}

/** Up to where bytes of UTF-8 hold whole characters. */
export function endOfCharacters(utf8: Uint8Array): number {
  for (let back = 1; back < LONGEST_CHARACTER && back <= utf8.length; back++) {
    const byte = utf8[utf8.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? utf8.length - back : utf8.length;
  }
  return utf8.length;
}

/** Where one byte in three is no ASCII, it is not Latin letters with an accent here and there. */
function isMostlyHigh(head: Buffer): boolean {
  return head.filter((byte) => byte >= 0x80).length > head.length / 3;
}

/**
 * UTF-16 without a mark: nearly every second byte is zero, as in Latin text, always the same one,
 * and what it says has no control characters.
 */
function unmarkedUtf16(head: Buffer): "utf-16le" | "utf-16be" | undefined {
  const even = head.subarray(0, head.length - (head.length % 2));
  if (even.length < 4) return undefined;
  const zeros = [0, 0];
  for (const [at, byte] of even.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [first = 0, second = 0] = zeros;
  const enough = even.length / 4;
  const encoding =
    first === 0 && second > enough
      ? "utf-16le"
      : second === 0 && first > enough
        ? "utf-16be"
        : undefined;
  if (encoding === undefined) return undefined;
  // The last one may be half a character.
  const text = new TextDecoder(encoding).decode(even).slice(0, -1);
  return /(?![\t\n\f\r])\p{Cc}|\uFFFD/u.test(text) ? undefined : encoding;
}

function notRead(seems: string): Encoding {
  return { reads: undefined, seems, isPicture: false };
}
