import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** An open file that anybody who knows its name may have. */
export interface ServedFile {
  /** Bytes of it, both ends included. */
  read(range: { start: number; end: number }): Promise<Readable> | Readable;
  close(): Promise<void>;
  sizeBytes: number;
  mimeType: string;
  /** A strong tag: two files that share it have the same bytes. */
  etag: string;
}

/** Answers a GET or HEAD for a file, whole or one range of it, and closes the file. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
): Promise<void> {
  const { sizeBytes, etag } = file;
  try {
    response.setHeader("accept-ranges", "bytes");
    response.setHeader("etag", etag);
    response.setHeader("cache-control", "private, no-store");
    if (mentions(request.headers["if-none-match"], etag)) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader("content-type", file.mimeType);
    response.setHeader("content-security-policy", "default-src 'none'; sandbox");
    const range = wantedRange(request, file);
    if (range === "none") {
      response.removeHeader("content-type");
      const headers = { "content-range": `bytes */${sizeBytes}`, "content-length": "0" };
      response.writeHead(416, headers).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
    response.setHeader("content-length", String(end - start + 1));
    if (range) response.setHeader("content-range", `bytes ${start}-${end}/${sizeBytes}`);
    response.writeHead(range ? 206 : 200);
    if (request.method === "HEAD" || sizeBytes === 0) {
      response.end();
      return;
    }
    // Whoever goes away in the middle has what they wanted.
    const bytes = await file.read({ start, end });
    await pipeline(bytes, response).catch(() => undefined);
  } finally {
    await file.close();
  }
}

/**
 * The range that a request asks for, first and last byte counted from 0.
 * @returns `undefined` for the whole file, also where the wish cannot be read or names several
 *   ranges; `none` for one that the file has not.
 * @see RFC 9110, section 14
 */
function wantedRange(
  { method, headers }: IncomingMessage,
  { sizeBytes, etag }: ServedFile,
): { start: number; end: number } | "none" | undefined {
  const condition = headers["if-range"];
  if (method !== "GET" || (condition !== undefined && condition !== etag)) return undefined;
  const [, first, last] = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(headers.range ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? "none" : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= sizeBytes) return "none";
  return { start, end: last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}

function mentions(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition
    .split(",")
    .map((one) => one.trim().replace(/^W\//, ""))
    .some((one) => one === "*" || one === etag);
}
