import { finished, type Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { NotThrough } from "./download-failure.ts";
import { type FetchedType, typeByBeginning } from "./fetched-type.ts";
import type { KeptMedium, MediaNaming, StraightWay } from "./media-store.ts";
import { Passing } from "./passing.ts";
import { type PictureFacts, pictureFacts } from "./preview.ts";
import type { OpenedFile } from "./remote-file.ts";

/** What is larger goes on where it broke off, which takes a draft. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A picture's header comes behind what cameras and editors say of it. */
const BEGINNING_BYTES = 256 * 1024;

/** How a file goes from where it is fetched to where it is kept, past this machine's disk. */
export interface Straight {
  put: StraightWay;
  naming: Omit<MediaNaming, "extension">;
  /** Hears that all of the file has come, before it is kept. */
  whole: () => void;
}

/** What was kept on its way. */
export interface Passed extends FetchedType, KeptMedium {
  facts: PictureFacts | undefined;
}

/**
 * Sends a file straight on if its beginning tells all that has to be known of it.
 * @param check hears how large the file is about to become.
 * @returns the file, or all that comes of it where it has to lie here first.
 * @throws {NotThrough} where it could not be kept for the moment, {DownloadFailure}, {configuration | cancelled}
 */
export async function passOn(
  { body, length = 0, startsAt }: OpenedFile,
  url: string,
  wantsFacts: boolean,
  { put, naming, whole }: Straight,
  check: (sizeBytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ passed: Passed } | { content: AsyncIterable<Buffer> }> {
  if (startsAt > 0 || length === 0 || length > MAX_BYTES) return { content: body };
  const pieces = await beginningOf(body, Math.min(length, BEGINNING_BYTES));
  const told = await toldBy(pieces, url, wantsFacts);
  if (!told) return { content: all(pieces, body) };
  const { type, facts } = told;
  const passing = new Passing({ length, check, whole });
  passing.begin(pieces.splice(0), body);
  try {
    const ref = await put(passing, length, { ...naming, extension: type.extension }, signal);
    return { passed: { ...type, facts, ref, sizeBytes: length, sha256: passing.digest() } };
  } catch (error) {
    if (error instanceof AppError && error.code === "storage") throw new NotThrough(error);
    throw error;
  } finally {
    passing.destroy();
  }
}

/** What is to be known of a file. @returns `undefined` where its beginning does not tell. */
async function toldBy(
  pieces: readonly Buffer[],
  url: string,
  wantsFacts: boolean,
): Promise<{ type: FetchedType; facts: PictureFacts | undefined } | undefined> {
  const beginning = Buffer.concat(pieces);
  const type = await typeByBeginning(beginning, url);
  const facts = type?.isPicture && wantsFacts ? await pictureFacts(beginning) : undefined;
  const isTold = type !== undefined && (!type.isPicture || !wantsFacts || facts !== undefined);
  return isTold ? { type, facts } : undefined;
}

/** Waits for so many bytes of what comes, or all of it; the rest waits. */
function beginningOf(body: Readable, bytes: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    const take = (piece: Buffer) => {
      pieces.push(piece);
      sizeBytes += piece.length;
      if (sizeBytes >= bytes) settle();
    };
    const settle = (error?: Error | null) => {
      release();
      body.off("data", take).pause();
      if (error) reject(error);
      else resolve(pieces);
    };
    const release = finished(body, settle);
    body.on("data", take);
  });
}

async function* all(beginning: readonly Buffer[], rest: Readable): AsyncGenerator<Buffer> {
  yield* beginning;
  yield* rest;
}
