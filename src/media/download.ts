import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../core/clock.ts";
import { isRedacted } from "../core/redact.ts";
import { asDownloadFailure, DownloadFailure } from "./download-failure.ts";
import { type FetchedType, typeOf } from "./fetched-type.ts";
import { FileSink } from "./file-sink.ts";
import { MAX_PICTURE_BYTES, MAX_WEIGHTS_BYTES } from "./largest-files.ts";
import type { PartialFile } from "./partial-file.ts";
import { type OpenedFile, openRemote, type RemoteOptions } from "./remote-file.ts";

const BASE_DEADLINE_MS = 120_000;
/** The slowest transfer that is still waited for. */
const MIN_BYTES_PER_MS = 16;
const HEAD_CHUNK_BYTES = 256 * 1024;

export interface Downloaded extends FetchedType {
  sizeBytes: number;
  sha256: string;
}

export interface DownloadOptions extends RemoteOptions {
  clock: Clock;
}

/**
 * Streams one file to its place (replaced if it is there), checks length and content, and syncs it.
 * What a transfer that broke off has brought is kept where the server can go on from there, and
 * the next try does.
 * @throws {DownloadFailure}
 */
export async function download(
  partial: PartialFile,
  weights: boolean,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { url, path } = partial;
  if (isRedacted(url)) {
    throw new DownloadFailure(
      "refused",
      "its address contained our API key, which no file's host may be given; the address was kept without it, so it cannot be fetched again",
    );
  }
  const capBytes = weights ? MAX_WEIGHTS_BYTES : MAX_PICTURE_BYTES;
  try {
    const remote = await openRemote(new URL(url), options, await partial.resume());
    const received = await receive(remote, partial, capBytes, options.clock).finally(() =>
      remote.body.destroy(),
    );
    if (received.sizeBytes === 0) throw new DownloadFailure("transient", "the file is empty");
    return { ...received, ...(await typeOf(path, url)) };
  } catch (error) {
    const failure = asDownloadFailure(error);
    const mayGoOn = failure instanceof DownloadFailure && failure.kind === "transient";
    if (!mayGoOn || !partial.checkpoint) await partial.discard();
    throw failure;
  }
}

/** Writes what comes behind what is there. @throws where not all of it came, and what came is noted. */
async function receive(
  { body, length, etag, startsAt }: OpenedFile,
  partial: PartialFile,
  capBytes: number,
  clock: Clock,
): Promise<Pick<Downloaded, "sizeBytes" | "sha256">> {
  if (length !== undefined && length > capBytes) {
    throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
  }
  const hash = createHash("sha256");
  const file = await open(partial.path, startsAt > 0 ? "r+" : "w", 0o600);
  const sink = new FileSink(file, { hash, startsAt, check: growth(startsAt, capBytes, clock) });
  try {
    if (startsAt > 0) await hashHead(file, startsAt, hash);
    partial.checkpoint = undefined;
    await pipeline(body, sink);
    const { sizeBytes } = sink;
    if (length !== undefined && sizeBytes !== length) {
      throw new DownloadFailure("transient", `${sizeBytes} of ${length} announced bytes arrived`);
    }
    await file.sync();
    return { sizeBytes, sha256: hash.digest("hex") };
  } catch (error) {
    const { sizeBytes } = sink;
    if (etag !== undefined && length !== undefined && sizeBytes > 0 && sizeBytes < length) {
      await file.sync();
      partial.checkpoint = { etag, length, sizeBytes };
    }
    throw error;
  } finally {
    await file.close();
  }
}

/** How a file may grow. @returns what {@link FileSink} asks. */
function growth(startsAt: number, capBytes: number, clock: Clock): (sizeBytes: number) => void {
  const startedAt = clock.elapsed();
  return (sizeBytes) => {
    if (sizeBytes > capBytes) {
      throw new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
    }
    const allowedMs = BASE_DEADLINE_MS + (sizeBytes - startsAt) / MIN_BYTES_PER_MS;
    if (clock.elapsed() - startedAt > allowedMs) {
      throw new DownloadFailure("transient", "the transfer is too slow");
    }
  };
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
