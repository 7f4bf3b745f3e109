import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { Readable } from "node:stream";
import { fileTypeFromFile } from "file-type";
import * as z from "zod";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost, isPublicAddress } from "../core/host-addresses.ts";
import { isRedacted } from "../core/redact.ts";
import { RefusedAddress } from "../gateway/connector.ts";
import { TransportFailure } from "../gateway/exchange.ts";
import type { HttpClient } from "../gateway/http-client.ts";

const MAX_REDIRECTS = 3;
const IMAGE_CAP_BYTES = 64 * 1024 * 1024;
const WEIGHTS_CAP_BYTES = 8 * 1024 * 1024 * 1024;
const BASE_DEADLINE_MS = 120_000;
/** The slowest transfer that is still waited for. */
const MIN_BYTES_PER_MS = 16;
const HEAD_CHUNK_BYTES = 256 * 1024;
const MARKUP_HEAD_BYTES = 4096;
const PICTURE_TYPES = [
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
  "image/tiff",
];
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
  http: HttpClient;
  clock: Clock;
  /** Origins of our own loopback bases; from nowhere else is http or a loopback address taken. */
  trustedOrigins: readonly string[];
  /** Breaks the download off. */
  signal?: AbortSignal | undefined;
}

/**
 * Streams one file to `target` (replaced if it is there), checks length and content, and syncs it.
 * What a transfer that broke off has brought is kept where the server can go on from there, and
 * the next try for the same address and target does.
 * @throws {DownloadFailure}
 */
export async function download(
  url: string,
  target: string,
  weights: boolean,
  options: DownloadOptions,
): Promise<Downloaded> {
  if (isRedacted(url)) {
    throw new DownloadFailure(
      "refused",
      "its address contained our API key, which no file's host may be given; the address was kept without it, so it cannot be fetched again",
    );
  }
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal;
  const capBytes = weights ? WEIGHTS_CAP_BYTES : IMAGE_CAP_BYTES;
  let checkpoint = await readCheckpoint(target, url);
  try {
    const { body, length, etag, startsAt } = await openFile(
      new URL(url),
      options,
      signal,
      checkpoint,
    );
    if (length !== undefined && length > capBytes) {
      throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
    }
    const hash = createHash("sha256");
    const file = await open(target, startsAt > 0 ? "r+" : "w", 0o600);
    const progress = { sizeBytes: startsAt };
    try {
      if (startsAt > 0) await hashHead(file, startsAt, hash);
      checkpoint = undefined;
      await writeAll(body, file, hash, progress, capBytes, options.clock);
      if (length !== undefined && progress.sizeBytes !== length) {
        throw new DownloadFailure(
          "transient",
          `${progress.sizeBytes} of ${length} announced bytes arrived`,
        );
      }
      await file.sync();
    } catch (error) {
      if (etag !== undefined && length !== undefined && progress.sizeBytes < length) {
        await file.sync();
        checkpoint = { url, etag, length, sizeBytes: progress.sizeBytes };
      }
      throw error;
    } finally {
      await file.close();
    }
    const { sizeBytes } = progress;
    if (sizeBytes === 0) throw new DownloadFailure("transient", "the file is empty");
    const type = await typeOf(target, url);
    await unlink(checkpointPath(target)).catch(() => undefined);
    return { sizeBytes, sha256: hash.digest("hex"), ...type };
  } catch (error) {
    stop.abort();
    const failure = asDownloadFailure(error);
    const mayGoOn = failure instanceof DownloadFailure && failure.kind === "transient";
    if (mayGoOn && checkpoint && checkpoint.sizeBytes > 0) {
      await writeFile(checkpointPath(target), JSON.stringify(checkpoint), { mode: 0o600 }).catch(
        () => undefined,
      );
    } else {
      await discardPartial(target);
    }
    throw failure;
  }
}

/** Removes what an unfinished download has left. */
export async function discardPartial(target: string): Promise<void> {
  await unlink(target).catch(() => undefined);
  await unlink(checkpointPath(target)).catch(() => undefined);
}

const checkpointSchema = z.object({
  url: z.string(),
  /** A strong one, so that the rest belongs to the same bytes. */
  etag: z.string(),
  /** Of the whole file. */
  length: z.number(),
  /** What is surely on disk. */
  sizeBytes: z.number(),
});
type Checkpoint = z.output<typeof checkpointSchema>;

function checkpointPath(target: string): string {
  return `${target}.json`;
}

async function readCheckpoint(target: string, url: string): Promise<Checkpoint | undefined> {
  try {
    const text = await readFile(checkpointPath(target), "utf8");
    const checkpoint = checkpointSchema.parse(JSON.parse(text));
    const { size } = await stat(target);
    return checkpoint.url === url && size >= checkpoint.sizeBytes ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}

interface OpenedFile {
  body: Readable;
  /** Of the whole file. */
  length: number | undefined;
  etag: string | undefined;
  /** Where in the file the body begins. */
  startsAt: number;
}

/** Follows redirects on the same host only, and refuses addresses for what they are. */
async function openFile(
  url: URL,
  options: DownloadOptions,
  signal: AbortSignal,
  checkpoint: Checkpoint | undefined,
): Promise<OpenedFile> {
  let current = url;
  let rest = checkpoint;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const trusted = options.trustedOrigins.includes(current.origin);
    if (!trusted) checkAddress(current);
    const reply = await options.http.open(current, {
      headers: {
        "accept-encoding": "identity",
        ...(rest ? { range: `bytes=${rest.sizeBytes}-`, "if-range": rest.etag } : {}),
      },
      allowLoopback: trusted,
      signal,
    });
    // An answer that is put aside may still break, which must not end the process.
    reply.body.on("error", () => undefined);
    if (rest && (reply.status === 416 || (reply.status === 206 && !continues(reply, rest)))) {
      // It cannot go on from there after all: from the beginning, at the same address.
      reply.body.destroy();
      rest = undefined;
      redirects--;
      continue;
    }
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
    if (reply.status !== 200 && !(rest && reply.status === 206)) {
      reply.body.resume();
      const gone = [403, 404, 410].includes(reply.status);
      throw new DownloadFailure(gone ? "gone" : "transient", `HTTP ${reply.status}`);
    }
    if (reply.headers["content-encoding"] && reply.headers["content-encoding"] !== "identity") {
      reply.body.destroy();
      throw new DownloadFailure("unusable", "the file came compressed although it must not");
    }
    if (rest && reply.status === 206) {
      return { body: reply.body, length: rest.length, etag: rest.etag, startsAt: rest.sizeBytes };
    }
    const length = Number(reply.headers["content-length"] ?? Number.NaN);
    const etag = reply.headers["etag"];
    return {
      body: reply.body,
      length: Number.isSafeInteger(length) ? length : undefined,
      etag: etag?.startsWith('"') ? etag : undefined,
      startsAt: 0,
    };
  }
  throw new DownloadFailure("refused", "the file's address redirects in circles");
}

/** Whether a partial answer is the rest of the very file whose beginning is here. */
function continues(
  { headers }: { headers: Readonly<Record<string, string>> },
  rest: Checkpoint,
): boolean {
  const range = `bytes ${rest.sizeBytes}-${rest.length - 1}/${rest.length}`;
  return headers["content-range"] === range && (headers["etag"] ?? rest.etag) === rest.etag;
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
  hash: Hash,
  progress: { sizeBytes: number },
  capBytes: number,
  clock: Clock,
): Promise<void> {
  const startedAt = clock.elapsed();
  const startsAt = progress.sizeBytes;
  for await (const chunk of body) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    const total = progress.sizeBytes + bytes.length;
    if (total > capBytes) {
      throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
    }
    const allowedMs = BASE_DEADLINE_MS + (total - startsAt) / MIN_BYTES_PER_MS;
    if (clock.elapsed() - startedAt > allowedMs) {
      throw new DownloadFailure("transient", "the transfer is too slow");
    }
    hash.update(bytes);
    await writeWhole(file, bytes, progress.sizeBytes);
    progress.sizeBytes = total;
  }
}

/** One write may take less than it was given. */
async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Takes what is there already into the digest; what lies behind it is cut off. */
async function hashHead(file: FileHandle, sizeBytes: number, hash: Hash): Promise<void> {
  await file.truncate(sizeBytes);
  const buffer = Buffer.alloc(HEAD_CHUNK_BYTES);
  for (let position = 0; position < sizeBytes; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new DownloadFailure("transient", "what was kept has shrunk");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
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
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(MARKUP_HEAD_BYTES),
      position: 0,
    });
    // UTF-16 is Latin text with a zero beside each letter.
    const head = buffer
      .toString("latin1", 0, bytesRead)
      .replaceAll("\0", "")
      .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, "");
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
    const message = `The file could not be written (${codeOf(error)}).`;
    return new AppError("storage", message, { cause: error });
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
  const code = codeOf(error);
  return [
    "ENOSPC",
    "EDQUOT",
    "EFBIG",
    "EROFS",
    "EACCES",
    "EPERM",
    "EIO",
    "ENOENT",
    "EMFILE",
  ].includes(code);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
