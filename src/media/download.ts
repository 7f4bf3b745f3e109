import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../core/clock.ts";
import { HEAD_BYTES } from "../core/file-head.ts";
import { isRedacted } from "../core/redact.ts";
import { asDownloadFailure, DownloadFailure } from "./download-failure.ts";
import { type FetchedType, typeOf } from "./fetched-type.ts";
import { FileSink } from "./file-sink.ts";
import { growth, notAsLong, tooLarge } from "./growth.ts";
import { MAX_PICTURE_BYTES, MAX_WEIGHTS_BYTES } from "./largest-files.ts";
import type { PartialFile } from "./partial-file.ts";
import { type OpenedFile, openRemote, type RemoteOptions } from "./remote-file.ts";
import { type Passed, passOn, type Straight } from "./straight.ts";

const HEAD_CHUNK_BYTES = 256 * 1024;

export interface Downloaded extends FetchedType {
  sizeBytes: number;
  sha256: string;
  /** The first bytes, `HEAD_BYTES` where there are so many. */
  head: Buffer;
}

export interface DownloadOptions extends RemoteOptions {
  clock: Clock;
}

/**
 * Streams one file to its place (replaced if it is there) and checks length and content.
 * What a transfer that broke off has brought is kept where the server can go on from there, and
 * the next try does.
 * @param straight another way, for a file of which it is known how long it is.
 * @returns what was kept already where it went that way.
 * @throws {DownloadFailure} or {NotThrough} where that way ended
 */
export async function download(
  partial: PartialFile,
  weights: boolean,
  options: DownloadOptions,
  straight?: Straight,
): Promise<Downloaded | Passed> {
  const { url } = partial;
  if (isRedacted(url)) {
    throw new DownloadFailure(
      "refused",
      "its address contained our API key, which no file's host may be given; the address was kept without it, so it cannot be fetched again",
    );
  }
  try {
    const remote = await openRemote(new URL(url), options, await partial.resume());
    return await taken(remote, partial, weights, options, straight).finally(() =>
      remote.body.destroy(),
    );
  } catch (error) {
    const failure = asDownloadFailure(error);
    const mayGoOn = failure instanceof DownloadFailure && failure.kind === "transient";
    if (!mayGoOn || !partial.checkpoint) await partial.discard();
    throw failure;
  }
}

async function taken(
  remote: OpenedFile,
  partial: PartialFile,
  weights: boolean,
  { clock, signal }: DownloadOptions,
  straight: Straight | undefined,
): Promise<Downloaded | Passed> {
  const { url, path } = partial;
  const { length, startsAt } = remote;
  const capBytes = weights ? MAX_WEIGHTS_BYTES : MAX_PICTURE_BYTES;
  if (length !== undefined && length > capBytes) throw tooLarge(capBytes);
  const check = growth(startsAt, capBytes, clock);
  const way = straight
    ? await passOn(remote, url, !weights, straight, check, signal)
    : { content: remote.body };
  if ("passed" in way) return way.passed;
  const received = await receive(remote, way.content, partial, check);
  if (received.sizeBytes === 0) throw new DownloadFailure("transient", "the file is empty");
  return { ...received, ...(await typeOf(path, url, received.head)) };
}

/** Writes what comes behind what is there. @throws where not all of it came, and what came is noted. */
async function receive(
  { length, etag, startsAt }: OpenedFile,
  content: AsyncIterable<Buffer>,
  partial: PartialFile,
  check: (sizeBytes: number) => void,
): Promise<Pick<Downloaded, "sizeBytes" | "sha256" | "head">> {
  const hash = createHash("sha256");
  const file = await open(partial.path, startsAt > 0 ? "r+" : "w+", 0o600);
  const sink = new FileSink(file, { hash, startsAt, check });
  try {
    if (startsAt > 0) await hashHead(file, startsAt, hash);
    partial.checkpoint = undefined;
    await pipeline(content, sink);
    const { sizeBytes } = sink;
    if (length !== undefined && sizeBytes !== length) throw notAsLong(sizeBytes, length);
    return { sizeBytes, sha256: hash.digest("hex"), head: await headOf(file) };
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

/** What tells what a file is, while it is open: to open it once more would cost more than the look. */
async function headOf(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(HEAD_BYTES), position: 0 });
  return buffer.subarray(0, bytesRead);
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
