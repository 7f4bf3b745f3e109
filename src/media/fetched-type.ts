import { HEAD_BYTES } from "../core/file-head.ts";
import { DownloadFailure } from "./download-failure.ts";

const PICTURE_TYPES = [
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
  "image/tiff",
];
const NAMED_EXTENSIONS = ["safetensors", "json", "zip"];

export interface FetchedType {
  mimeType: string;
  /** From the file's magic bytes; for other files from a well-known ending of the URL, or "bin". */
  extension: string;
  /** Whether it is a picture that can be shown. */
  isPicture: boolean;
}

/** What a file begins with that may be a picture though its first bytes do not say so. */
const SAYS_LATER = ["\u0089PNG", "II", "MM", "ID3"];

/**
 * What a file that was fetched is, by its bytes.
 * @param head its first `HEAD_BYTES`.
 * @throws {DownloadFailure} when it is a document.
 */
export async function typeOf(path: string, url: string, head: Uint8Array): Promise<FetchedType> {
  const { fileTypeFromBuffer, fileTypeFromFile } = await import("file-type");
  // Nearly all are pictures that say so at once; for the others more of the file may have to be read.
  const type = pictureType(await fileTypeFromBuffer(head)) ?? (await fileTypeFromFile(path));
  return asFetched(type, head, url);
}

/**
 * The same, by a file's beginning alone.
 * @returns `undefined` where only the file itself tells.
 * @throws {DownloadFailure} when it is a document.
 */
export async function typeByBeginning(
  beginning: Uint8Array,
  url: string,
): Promise<FetchedType | undefined> {
  const { fileTypeFromBuffer } = await import("file-type");
  const head = beginning.subarray(0, HEAD_BYTES);
  const type = await fileTypeFromBuffer(head);
  if (!pictureType(type) && SAYS_LATER.some((one) => startsWith(head, one))) return undefined;
  return asFetched(type, head, url);
}

function asFetched(
  type: { mime: string; ext: string } | undefined,
  head: Uint8Array,
  url: string,
): FetchedType {
  if (type && pictureType(type)) {
    return { mimeType: type.mime, extension: type.ext, isPicture: true };
  }
  if (looksLikeMarkup(head)) {
    throw new DownloadFailure("unusable", "an HTML or SVG document came instead of the file");
  }
  const ending = /\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? "";
  return {
    mimeType: type?.mime ?? (ending === "json" ? "application/json" : "application/octet-stream"),
    extension: NAMED_EXTENSIONS.includes(ending) ? ending : "bin",
    isPicture: false,
  };
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text;
}

function pictureType<T extends { mime: string }>(type: T | undefined): T | undefined {
  return type && PICTURE_TYPES.includes(type.mime) ? type : undefined;
}

function looksLikeMarkup(bytes: Uint8Array): boolean {
  // UTF-16 is Latin text with a zero beside each letter.
  const head = Buffer.from(bytes)
    .toString("latin1")
    .replaceAll("\0", "")
    .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, "");
  return /^\s*(?:<!--[\s\S]*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype|html|head|body|svg|script)\b/i.test(
    head,
  );
}
