/** The first bytes of pictures, by what is enough to be sure. */
const SIGNATURES: readonly { type: string; fits: (head: Buffer) => boolean }[] = [
  { type: "image/png", fits: (head) => head.indexOf("\x89PNG\r\n\x1a\n", 0, "latin1") === 0 },
  { type: "image/jpeg", fits: (head) => head.indexOf("\xff\xd8\xff", 0, "latin1") === 0 },
  { type: "image/gif", fits: (head) => /^GIF8[79]a/.test(head.toString("latin1", 0, 6)) },
  {
    type: "image/webp",
    fits: (head) => /^RIFF[\s\S]{4}WEBP/.test(head.toString("latin1", 0, 12)),
  },
  {
    type: "image/tiff",
    fits: (head) => ["II*\0", "MM\0*"].includes(head.toString("latin1", 0, 4)),
  },
  {
    type: "image/avif",
    fits: (head) => /^ftyp(?:avi[fs]|mif1|hei[cx])/.test(head.toString("latin1", 4, 12)),
  },
  // Two letters would not tell it from a path; four bytes that are always zero do.
  {
    type: "image/bmp",
    fits: (head) => head.toString("latin1", 0, 2) === "BM" && head.readUInt32LE(6) === 0,
  },
];
const HEAD_CHARACTERS = 64;
/** The smallest picture there is has more. */
const FEWEST_CHARACTERS = 32;

/**
 * A picture given as nothing but its base64, as a data URI. Told from a path by the bytes that it
 * begins with, so that no path is ever taken for a picture.
 * @returns `undefined` for anything else.
 */
export function pictureFromBase64(text: string): string | undefined {
  if (text.length < FEWEST_CHARACTERS) return undefined;
  const start = text.slice(0, HEAD_CHARACTERS).replaceAll(/\s+/g, "");
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(start)) return undefined;
  const head = Buffer.from(start, "base64");
  const type = head.length < 16 ? undefined : SIGNATURES.find(({ fits }) => fits(head))?.type;
  if (type === undefined) return undefined;
  const body = text.replaceAll(/\s+/g, "");
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(body)) return undefined;
  return `data:${type};base64,${body.replaceAll("-", "+").replaceAll("_", "/")}`;
}

/** `data:` with a type, any parameters, and base64. */
const DATA_URI =
  /^data:([a-z]+\/[\w.+-]+)?((?:\s*;\s*[\w.-]+=(?:"[^",;]*"|[^",;]*))*)\s*;\s*base64\s*,/i;
const LONGEST_HEAD = 300;

/**
 * A data URI in the form that everything after this understands: a type, no parameters, base64.
 * @returns `undefined` for what is no data URI of a picture or archive.
 */
export function plainDataUri(text: string): string | undefined {
  const match = DATA_URI.exec(text.slice(0, LONGEST_HEAD));
  if (!match) return undefined;
  const [head, type = "application/octet-stream"] = match;
  const body = text.slice(head.length);
  if (!/^(?:image|application)\//i.test(type)) return undefined;
  // What stands there as it should is passed on as it is.
  if (/^data:[^;,\s]+;base64,$/i.test(head) && /^[A-Za-z0-9+/=\s]+$/.test(body)) return text;
  const plain = unescaped(body).replaceAll(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  return /^[A-Za-z0-9+/]+=*$/.test(plain) ? `data:${type};base64,${plain}` : undefined;
}

function unescaped(body: string): string {
  return body.replaceAll(/%(2b|2f|3d|0a|0d|20)/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
