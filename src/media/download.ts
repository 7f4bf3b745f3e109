import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, unlink } from "node:fs/promises";
import { isIP } from "node:net";
import type { Readable } from "node:stream";
import { fileTypeFromFile } from "file-type";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost, isPublicAddress } from "../gateway/addresses.ts";
import { RefusedAddress } from "../gateway/connector.ts";
import { type HttpDoor, TransportFailure } from "../gateway/http.ts";

const MAX_REDIRECTS = 3;
const IMAGE_CAP_BYTES = 64 * 1024 * 1024;
const WEIGHTS_CAP_BYTES = 8 * 1024 * 1024 * 1024;
const BASE_DEADLINE_MS = 120_000;
/** The slowest transfer that is still waited for. */
const MIN_BYTES_PER_MS = 16;
const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const NAMED_EXTENSIONS = ["safetensors", "json", "zip"];

/** Why a download did not succeed, and whether another try can help. */
export class DownloadFailure extends Error {
  override readonly name = "DownloadFailure";
  /**
   * - `refused`: for what the address or the file is; another try changes nothing
   * - `gone`: 403, 404 or 410
   * - `unusable`: a document came instead of the file
   * - `transient`: the network, the server or the transfer failed
   */
  readonly kind: "refused" | "gone" | "unusable" | "transient";
  constructor(kind: DownloadFailure["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

export interface Downloaded {
  sizeBytes: number;
  sha256: string;
  mimeType: string;
  /** From the file's magic bytes; for other files from a well-known ending of the URL, or "bin". */
  extension: string;
  /** Whether it is a picture that can be shown. */
  isPicture: boolean;
}

export interface DownloadOptions {
  http: HttpDoor;
  clock: Clock;
  /** Origins of our own loopback bases; from nowhere else is http or a loopback address taken. */
  trustedOrigins: readonly string[];
}

/**
 * Streams one file to `target` (replaced if it is there), checks length and content, and syncs it.
 * @throws {DownloadFailure}
 */
export async function download(
  url: string,
  target: string,
  weights: boolean,
  options: DownloadOptions,
): Promise<Downloaded> {
  const stop = new AbortController();
  const capBytes = weights ? WEIGHTS_CAP_BYTES : IMAGE_CAP_BYTES;
  try {
    const { body, length } = await openFile(new URL(url), options, stop.signal);
    if (length !== undefined && length > capBytes) {
      throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
    }
    const file = await open(target, "w", 0o600);
    let written: { sizeBytes: number; sha256: string };
    try {
      written = await writeAll(body, file, capBytes, options.clock);
      await file.sync();
    } finally {
      await file.close();
    }
    if (length !== undefined && written.sizeBytes !== length) {
      throw new DownloadFailure(
        "transient",
        `${written.sizeBytes} of ${length} announced bytes arrived`,
      );
    }
    if (written.sizeBytes === 0) throw new DownloadFailure("transient", "the file is empty");
    return { ...written, ...(await typeOf(target, url)) };
  } catch (error) {
    stop.abort();
    await unlink(target).catch(() => undefined);
    throw asDownloadFailure(error);
  }
}

/** Follows redirects on the same host only, and refuses addresses for what they are. */
async function openFile(
  url: URL,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<{ body: Readable; length: number | undefined }> {
  let current = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const trusted = options.trustedOrigins.includes(current.origin);
    if (!trusted) checkAddress(current);
    const reply = await options.http.open(current, {
      headers: { "accept-encoding": "identity" },
      allowLoopback: trusted,
      signal,
    });
    if (reply.status >= 300 && reply.status < 400) {
      reply.body.resume();
      const location = reply.headers["location"];
      const next =
        location && URL.canParse(location, current.href) ? new URL(location, current) : null;
      if (next?.host !== current.host || next.protocol !== current.protocol) {
        throw new DownloadFailure("refused", "the file's address redirects to another host");
      }
      current = next;
      continue;
    }
    if (reply.status !== 200) {
      reply.body.resume();
      const gone = [403, 404, 410].includes(reply.status);
      throw new DownloadFailure(gone ? "gone" : "transient", `HTTP ${reply.status}`);
    }
    if (reply.headers["content-encoding"] && reply.headers["content-encoding"] !== "identity") {
      throw new DownloadFailure("transient", "the file came compressed although it must not");
    }
    const length = Number(reply.headers["content-length"] ?? Number.NaN);
    return { body: reply.body, length: Number.isSafeInteger(length) ? length : undefined };
  }
  throw new DownloadFailure("refused", "the file's address redirects in circles");
}

function checkAddress(url: URL): void {
  if (url.protocol !== "https:") {
    throw new DownloadFailure("refused", `${url.origin} is not an https address`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isLoopbackHost(host) || (isIP(host) !== 0 && !isPublicAddress(host))) {
    throw new DownloadFailure("refused", `${url.origin} is not a public address`);
  }
}

async function writeAll(
  body: Readable,
  file: FileHandle,
  capBytes: number,
  clock: Clock,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const startedAt = clock.elapsed();
  let sizeBytes = 0;
  for await (const chunk of body) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    sizeBytes += bytes.length;
    if (sizeBytes > capBytes) {
      throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
    }
    if (clock.elapsed() - startedAt > BASE_DEADLINE_MS + sizeBytes / MIN_BYTES_PER_MS) {
      throw new DownloadFailure("transient", "the transfer is too slow");
    }
    hash.update(bytes);
    await file.appendFile(bytes);
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function typeOf(
  path: string,
  url: string,
): Promise<Pick<Downloaded, "mimeType" | "extension" | "isPicture">> {
  const type = await fileTypeFromFile(path);
  if (type && PICTURE_TYPES.includes(type.mime)) {
    return { mimeType: type.mime, extension: type.ext, isPicture: true };
  }
  if (await looksLikeMarkup(path)) {
    throw new DownloadFailure("unusable", "an HTML or SVG document came instead of the file");
  }
  const ending = /\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? "";
  return {
    mimeType: type?.mime ?? (ending === "json" ? "application/json" : "application/octet-stream"),
    extension: NAMED_EXTENSIONS.includes(ending) ? ending : "bin",
    isPicture: false,
  };
}

async function looksLikeMarkup(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(1024), position: 0 });
    const head = buffer.toString("latin1", 0, bytesRead).replace(/^\u00ef\u00bb\u00bf/, "");
    return /^\s*(?:<!--[\s\S]*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype|html|head|body|svg|script)\b/i.test(
      head,
    );
  } finally {
    await file.close();
  }
}

function asDownloadFailure(error: unknown): Error {
  if (error instanceof DownloadFailure || error instanceof AppError) return error;
  if (findCause(error, RefusedAddress)) {
    return new DownloadFailure("refused", findCause(error, RefusedAddress)?.message ?? "", error);
  }
  if (isDiskFault(error)) {
    return new AppError("storage", "The file could not be written.", { cause: error });
  }
  const message = error instanceof TransportFailure ? error.message : "the connection broke";
  return new DownloadFailure("transient", message, error);
}

function findCause<E extends Error>(
  error: unknown,
  type: new (...args: never[]) => E,
): E | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth++) {
    if (current instanceof type) return current;
    current = current.cause;
  }
  return undefined;
}

function isDiskFault(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENOENT", "EMFILE"].includes(code);
}
