import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import * as yauzl from "yauzl";
import { AppError } from "../core/errors.ts";
import { HEAD_BYTES } from "../core/file-head.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { MAX_PICTURE_BYTES } from "../media/largest-files.ts";
import {
  type DatasetEntry,
  type DatasetReport,
  type DatasetWishes,
  isClutter,
  judgeDataset,
  MAX_FILES,
  MAX_TOTAL_BYTES,
} from "./dataset.ts";
import { examineOther, examinePicture, isToBeRead, tooLarge } from "./training-picture.ts";

/** Pictures and captions do not compress like this; archives made to burst do. */
const MAX_RATIO = 100;
const RATIO_MATTERS_BYTES = 1024 * 1024;
const LINK_MODE = 0o120000;
const MODE_MASK = 0o170000;
/** So many problems are enough to know that a set cannot be used. */
const MAX_PROBLEMS = 50;

/**
 * Looks through an archive: first at what it says of itself, as a whole, and then at every byte
 * that comes out of it. Nothing is written anywhere. The caller closes the file.
 */
export async function inspectZip(
  source: FileHandle | Buffer,
  wishes: DatasetWishes,
): Promise<DatasetReport> {
  const entries: DatasetEntry[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  try {
    const zip = await openZip(source);
    zip.on("error", () => undefined);
    const { listed, problem } = await readDirectory(zip);
    if (problem !== undefined) problems.push(problem);
    else await readFiles(zip, listed, { entries, problems, warnings });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : "unreadable";
    problems.push(
      /invalid relative path|absolute path|invalid characters/.test(reason)
        ? `It has a file name that leads out of it (${reason}).`
        : `It is no ZIP file that can be read (${reason}).`,
    );
  }
  const report = judgeDataset(entries, wishes);
  return {
    ...report,
    problems: problems.length > 0 ? problems : report.problems,
    warnings: [...warnings, ...report.warnings],
  };
}

/** What grows too much or too large, by what has been added up so far. */
function burst(packedBytes: number, unpackedBytes: number, verb: string): string | undefined {
  if (unpackedBytes > MAX_TOTAL_BYTES) {
    return `It ${verb} to more than ${byteCount(MAX_TOTAL_BYTES)} (2 GiB).`;
  }
  return unpackedBytes >= RATIO_MATTERS_BYTES && unpackedBytes > packedBytes * MAX_RATIO
    ? `It ${verb} from ${byteCount(packedBytes)} to ${byteCount(unpackedBytes)}, more than ${MAX_RATIO} times as much.`
    : undefined;
}

/** All that an archive says of itself, and what forbids to open it. */
async function readDirectory(
  zip: yauzl.ZipFile,
): Promise<{ listed: yauzl.Entry[]; problem?: string }> {
  const listed: yauzl.Entry[] = [];
  const names = new Set<string>();
  let unpacked = 0;
  let packed = 0;
  const tooMany = `It has more than ${MAX_FILES} files.`;
  if (zip.entryCount > MAX_FILES) return { listed, problem: tooMany };
  for await (const entry of zip.eachEntry()) {
    const problem = entryProblem(entry);
    if (problem !== undefined) return { listed, problem };
    if (listed.length >= MAX_FILES) return { listed, problem: tooMany };
    if (names.has(entry.fileName)) {
      return { listed, problem: `It has two files that are called ${oneLine(entry.fileName)}.` };
    }
    names.add(entry.fileName);
    listed.push(entry);
    unpacked += entry.uncompressedSize;
    packed += entry.compressedSize;
  }
  const problem = burst(packed, unpacked, "would grow") ?? (await overlap(zip, listed));
  return problem === undefined ? { listed } : { listed, problem };
}

function entryProblem(entry: yauzl.Entry): string | undefined {
  if (entry.isEncrypted()) return `${oneLine(entry.fileName)} is encrypted.`;
  const isLink = ((entry.externalFileAttributes >>> 16) & MODE_MASK) === LINK_MODE;
  return isLink ? `${oneLine(entry.fileName)} is a link, not a file.` : undefined;
}

/** Files that share bytes, or that another reader would know by another name. */
async function overlap(
  zip: yauzl.ZipFile,
  listed: readonly yauzl.Entry[],
): Promise<string | undefined> {
  const ordered = [...listed].sort(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  );
  let end = 0;
  for (const entry of ordered) {
    if (entry.relativeOffsetOfLocalHeader < end) return "Its files overlap each other.";
    const header = await zip.readLocalFileHeaderPromise(entry);
    if (!header.fileName.equals(entry.fileNameRaw)) {
      return `${oneLine(entry.fileName)} is called otherwise in another place of the archive.`;
    }
    end = header.fileDataStart + entry.compressedSize;
  }
  return undefined;
}

interface Findings {
  entries: DatasetEntry[];
  problems: string[];
  warnings: string[];
}

/** Reads every file; sizes are what comes out, whatever the archive says. */
async function readFiles(
  zip: yauzl.ZipFile,
  listed: readonly yauzl.Entry[],
  { entries, problems, warnings }: Findings,
): Promise<void> {
  let unpacked = 0;
  let packed = 0;
  for (const entry of listed) {
    if (problems.length >= MAX_PROBLEMS) return;
    const { fileName: name, compressedSize } = entry;
    if (name.endsWith("/") && entry.uncompressedSize === 0) continue;
    packed += compressedSize;
    const others = unpacked;
    const growth = (sizeBytes: number) => burst(packed, others + sizeBytes, "grows");
    const read = await unpack(zip, entry, growth).catch((error: unknown) => {
      if (error instanceof AppError) throw error;
      const refused: Refused = {
        problem: `${oneLine(name)} is damaged inside the archive (${reasonOf(error)}).`,
      };
      return refused;
    });
    if ("problem" in read) {
      problems.push(read.problem);
      if (read.isBurst) return;
      continue;
    }
    unpacked += read.sizeBytes;
    if (name.endsWith("/") || isClutter(name)) continue;
    const { bytes, sizeBytes, head } = read;
    const examined = bytes
      ? await examinePicture(name, bytes)
      : await examineOther(name, sizeBytes, head);
    entries.push(examined.entry);
    const problem = examined.problem ?? (read.isPicture ? tooLarge(name, sizeBytes) : undefined);
    if (problem !== undefined) problems.push(problem);
    if (examined.notes && examined.notes.length > 0) {
      warnings.push(
        `${oneLine(name)} is sent as it is, lying on its side or telling its place; a folder's pictures are turned upright and cleaned.`,
      );
    }
  }
}

interface Refused {
  problem: string;
  /** Whether nothing more of the archive should be read. */
  isBurst?: boolean;
}

interface Unpacked {
  sizeBytes: number;
  head: Buffer;
  isPicture: boolean;
  /** The whole of a picture that is not too large to be looked at. */
  bytes: Buffer | undefined;
}

/**
 * What comes out of one file, counted as it comes.
 * @param growth says of so many bytes of it whether they are too many.
 */
async function unpack(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  growth: (sizeBytes: number) => string | undefined,
): Promise<Unpacked | Refused> {
  const stream: Readable = await zip.openReadStreamPromise(entry);
  const kept: Buffer[] = [];
  let [sizeBytes, keptBytes, checksum] = [0, 0, 0];
  let isPicture: boolean | undefined;
  const head = () => Buffer.concat(kept).subarray(0, HEAD_BYTES);
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      sizeBytes += bytes.length;
      checksum = crc32(bytes, checksum);
      const problem = growth(sizeBytes);
      if (problem !== undefined) return { problem, isBurst: true };
      if (isPicture === undefined && keptBytes >= HEAD_BYTES) {
        isPicture = await isToBeRead(entry.fileName, head());
      }
      const isKept = isPicture !== false && keptBytes + bytes.length <= MAX_PICTURE_BYTES;
      if (isKept || keptBytes < HEAD_BYTES) {
        kept.push(bytes);
        keptBytes += bytes.length;
      }
    }
  } finally {
    stream.destroy();
  }
  if (checksum !== entry.crc32) {
    return {
      problem: `${oneLine(entry.fileName)} is damaged inside the archive (its checksum differs).`,
    };
  }
  isPicture ??= await isToBeRead(entry.fileName, head());
  const isWhole = isPicture && keptBytes === sizeBytes;
  return { sizeBytes, head: head(), isPicture, bytes: isWhole ? Buffer.concat(kept) : undefined };
}

async function openZip(source: FileHandle | Buffer): Promise<yauzl.ZipFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true } as const;
  return Buffer.isBuffer(source)
    ? yauzl.fromBufferPromise(source, options)
    : yauzl.fromFdPromise(source.fd, options);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "unreadable";
}
