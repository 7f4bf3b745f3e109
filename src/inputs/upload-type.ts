import { isUtf8 } from "node:buffer";

/** What may be uploaded: pictures, ZIP archives of training sets, and text to be read. */
export const UPLOAD_KINDS = ["picture", "archive", "text"] as const;
export type UploadKind = (typeof UPLOAD_KINDS)[number];

export interface UploadType {
  kind: UploadKind;
  mimeType: string;
  /** Without the dot. */
  extension: string;
}

const PICTURES = ["png", "jpg", "webp", "gif", "avif", "tif", "bmp"];
const TEXT: UploadType = { kind: "text", mimeType: "text/plain", extension: "txt" };

/**
 * What a file is by its first bytes, whatever it is called.
 * @returns what it seems to be where it is none of what may be uploaded.
 */
export async function uploadTypeOf(head: Buffer): Promise<UploadType | { seems: string }> {
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  if (type && PICTURES.includes(type.ext)) {
    return { kind: "picture", mimeType: type.mime, extension: type.ext };
  }
  // Office documents and programs are ZIP archives as well: what is in one is looked at where it is used.
  if (head.toString("latin1", 0, 4) === "PK\x03\x04") {
    return { kind: "archive", mimeType: "application/zip", extension: "zip" };
  }
  const isText = (type === undefined || type.mime.endsWith("xml")) && mayBeText(head);
  if (isText) return TEXT;
  return { seems: type ? `a file of type ${type.mime}` : "no text in UTF-8" };
}

/** Tells of text that comes in pieces whether it is UTF-8 to its end, without a NUL. */
export class TextCheck {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  /** @returns whether it still is. @param piece absent at the end. */
  isText(piece?: Buffer): boolean {
    try {
      this.#decoder.decode(piece ?? new Uint8Array(), { stream: piece !== undefined });
      return piece?.includes(0) !== true;
    } catch {
      return false;
    }
  }
}

/** The last character may be cut. */
function mayBeText(head: Buffer): boolean {
  if (head.length === 0 || head.includes(0)) return false;
  return [0, 1, 2, 3].some(
    (cut) => cut < head.length && isUtf8(head.subarray(0, head.length - cut)),
  );
}
