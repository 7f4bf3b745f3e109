import type { Dirent } from "node:fs";
import { type FileHandle, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { fileTypeFromBuffer } from "file-type";
import * as yauzl from "yauzl";
import { ZipFile } from "yazl";
import { AppError } from "../core/errors.ts";
import { byteCount } from "../core/text.ts";
import { openAllowedFile, type Places } from "./files.ts";
import { checkPicture } from "./picture-input.ts";

const MAX_FILES = 20_000;
const MAX_TOTAL_BYTES = 4 * 1024 * 1024 * 1024;
const MAX_PICTURE_BYTES = 64 * 1024 * 1024;
/** Pictures and captions do not compress like this; archives made to burst do. */
const MAX_RATIO = 100;
const RATIO_MATTERS_BYTES = 16 * 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
const MAX_LISTED = 12;
/** The same folder gives the same archive, whenever it is zipped. */
const ZIP_TIME = new Date(Date.UTC(2000, 0, 1));
const LINK_MODE = 0o120000;
const MODE_MASK = 0o170000;

/** One file of a training set. */
export interface DatasetEntry {
  /** As in the archive, with `/` between folders. */
  name: string;
  sizeBytes: number;
  /** By its first bytes; absent where they are of no known type. */
  mimeType?: string;
  width?: number;
  height?: number;
}

export interface DatasetReport {
  /** Sets that have a start and an end. */
  pairs: number;
  pictures: number;
  captions: number;
  sizeBytes: number;
  /** Why it cannot be used. */
  problems: string[];
  /** What the trainer will likely miss. */
  warnings: string[];
}

/** What the call says about a set. */
export interface DatasetWishes {
  defaultCaption: string | undefined;
  referenceCount: number | undefined;
}

interface PictureSet {
  starts: Map<number, DatasetEntry>;
  end: DatasetEntry | undefined;
  hasCaption: boolean;
}

const PICTURE_NAME = /^(.+)_(start(\d*)|end)$/i;

/**
 * Judges a training set by its files' names, types and sizes. The provider does not document the
 * names; `ROOT_start.EXT`, `ROOT_start2.EXT`, `ROOT_end.EXT` and `ROOT.txt` is what such trainers
 * take, so what departs from it is a warning and never a reason to refuse.
 */
export function judgeDataset(
  entries: readonly DatasetEntry[],
  wishes: DatasetWishes,
): DatasetReport {
  const warnings: string[] = [];
  const sets = new Map<string, PictureSet>();
  const setOf = (root: string) => {
    const known = sets.get(root) ?? { starts: new Map(), end: undefined, hasCaption: false };
    sets.set(root, known);
    return known;
  };
  const captions: string[] = [];
  let pictures = 0;
  for (const entry of entries) {
    const { dir, name, ext } = posix.parse(entry.name);
    if (dir !== "") warnings.push(`${entry.name} is in a subfolder, where it may not be found.`);
    if (ext.toLowerCase() === ".txt") {
      captions.push(entry.name);
    } else if (entry.mimeType?.startsWith("image/")) {
      pictures++;
      const [, root, role, number] = PICTURE_NAME.exec(name) ?? [];
      if (root === undefined || role === undefined) {
        warnings.push(`${entry.name} belongs to no pair: it is neither a start nor an end.`);
      } else if (role.toLowerCase() === "end") {
        setOf(posix.join(dir, root)).end = entry;
      } else {
        setOf(posix.join(dir, root)).starts.set(Number(number || 1), entry);
      }
      if (entry.sizeBytes > MAX_PICTURE_BYTES) {
        warnings.push(`${entry.name} has ${byteCount(entry.sizeBytes)}.`);
      }
    } else {
      warnings.push(`${entry.name} is neither a picture nor a caption.`);
    }
  }
  for (const name of captions) {
    const set = sets.get(posix.join(posix.parse(name).dir, posix.parse(name).name));
    if (set) set.hasCaption = true;
    else warnings.push(`${name} is a caption of no pair.`);
  }
  for (const [root, set] of sets) warnings.push(...complaints(root, set, wishes));
  return {
    pairs: [...sets.values()].filter((set) => set.end && set.starts.size > 0).length,
    pictures,
    captions: captions.length,
    sizeBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
    problems: pictures === 0 ? ["There is no picture in it."] : [],
    warnings,
  };
}

function complaints(root: string, set: PictureSet, wishes: DatasetWishes): string[] {
  const found: string[] = [];
  const { starts, end, hasCaption } = set;
  if (!end) found.push(`${root}_end is missing.`);
  const count = Math.max(0, ...starts.keys());
  for (let number = 1; number <= Math.max(1, count); number++) {
    if (!starts.has(number)) found.push(`${root}_start${number === 1 ? "" : number} is missing.`);
  }
  if (!hasCaption && wishes.defaultCaption === undefined) {
    found.push(`${root}.txt is missing, and there is no default caption.`);
  }
  if (wishes.referenceCount !== undefined && starts.size !== wishes.referenceCount) {
    found.push(`${root} has ${starts.size} references, not ${wishes.referenceCount}.`);
  }
  const first = starts.get(1);
  const differs = end && first && (end.width !== first.width || end.height !== first.height);
  if (differs && end.width !== undefined && first.width !== undefined) {
    found.push(
      `${root}: start (${first.width}×${first.height}) and end (${end.width}×${end.height}) differ in size.`,
    );
  }
  return found;
}

/** A report in a few lines. */
export function describeDataset(report: DatasetReport): string {
  const { pairs, pictures, captions, sizeBytes, problems, warnings } = report;
  const lines = [
    `Training set: ${pairs} complete pairs, ${pictures} pictures, ${captions} captions, ${byteCount(sizeBytes)}.`,
    ...problems.map((problem) => `Problem: ${problem}`),
    ...warnings.slice(0, MAX_LISTED).map((warning) => `Check: ${warning}`),
  ];
  if (warnings.length > MAX_LISTED)
    lines.push(`… and ${warnings.length - MAX_LISTED} more to check.`);
  return lines.join("\n");
}

/** A training set that can be judged, and sent as one archive. */
export interface Dataset {
  report: DatasetReport;
  /** The archive's bytes; to be taken once. */
  zip(): Readable;
  /** What was changed while it was zipped; complete once the archive has been read. */
  changes: string[];
  close(): Promise<void>;
}

/** Looks through an archive without unpacking it. The caller closes the file. */
export async function inspectZip(
  source: FileHandle | Buffer,
  wishes: DatasetWishes,
): Promise<DatasetReport> {
  const entries: DatasetEntry[] = [];
  const problems: string[] = [];
  try {
    const zip = await openZip(source);
    let total = 0;
    let compressed = 0;
    zip.on("error", () => undefined);
    for await (const entry of zip.eachEntry()) {
      const { fileName, uncompressedSize, compressedSize } = entry;
      total += uncompressedSize;
      compressed += compressedSize;
      const problem = entryProblem(entry);
      if (problem) problems.push(problem);
      if (entries.length >= MAX_FILES) problems.push(`It has more than ${MAX_FILES} files.`);
      if (total > MAX_TOTAL_BYTES) problems.push("It would unpack to more than 4 GiB.");
      if (compressed > zip.fileSize) problems.push("Its files overlap each other.");
      if (problems.length > 0) break;
      if (fileName.endsWith("/") || isClutter(fileName)) continue;
      const head = await headOf(await zip.openReadStreamPromise(entry));
      entries.push({ name: fileName, sizeBytes: uncompressedSize, ...(await typeOf(head)) });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable";
    problems.push(
      /invalid relative path|absolute path|invalid characters/.test(reason)
        ? `It has a file name that leads out of it (${reason}).`
        : `It is no ZIP file that can be read (${reason}).`,
    );
  }
  const report = judgeDataset(entries, wishes);
  return problems.length > 0 ? { ...report, problems } : report;
}

function entryProblem(entry: yauzl.Entry): string | undefined {
  const { fileName, uncompressedSize, compressedSize } = entry;
  if (entry.isEncrypted()) return `${fileName} is encrypted.`;
  if (((entry.externalFileAttributes >>> 16) & MODE_MASK) === LINK_MODE) {
    return `${fileName} is a link, not a file.`;
  }
  const bursts =
    uncompressedSize > RATIO_MATTERS_BYTES && uncompressedSize > compressedSize * MAX_RATIO;
  return bursts
    ? `${fileName} would grow from ${byteCount(compressedSize)} to ${byteCount(uncompressedSize)}.`
    : undefined;
}

async function openZip(source: FileHandle | Buffer): Promise<yauzl.ZipFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true } as const;
  return new Promise((resolve, reject) => {
    const opened = (error: Error | null, zip: yauzl.ZipFile) =>
      error ? reject(error) : resolve(zip);
    if (Buffer.isBuffer(source)) yauzl.fromBuffer(source, options, opened);
    else yauzl.fromFd(source.fd, options, opened);
  });
}

/**
 * A folder's pictures and captions, to be zipped as they are read; pictures are turned upright and
 * their location is removed on the way.
 * @param folder its real path.
 * @throws {invalid_input}
 */
export async function readFolder(
  folder: string,
  places: Places,
  wishes: DatasetWishes,
): Promise<Dataset> {
  const inside = { ...places, allowedDirs: [folder], realDirs: [folder], workingDir: folder };
  const found = await readdir(folder, { withFileTypes: true });
  if (found.length > MAX_FILES) {
    throw new AppError("invalid_input", `${folder} has more than ${MAX_FILES} files.`);
  }
  const left = found.filter((one) => !isFile(one) && !isClutter(one.name)).map((one) => one.name);
  const names = found
    .filter((one) => isFile(one) && !isClutter(one.name))
    .map((one) => one.name)
    .sort();
  const entries: DatasetEntry[] = [];
  for (const name of names) {
    const { handle, size } = await openAllowedFile(join(folder, name), inside);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const head = buffer.subarray(0, bytesRead);
      entries.push({ name, sizeBytes: size, ...(await typeOf(head)) });
    } finally {
      await handle.close();
    }
  }
  const report = judgeDataset(entries, wishes);
  report.warnings.push(...left.map((name) => `${name} is a folder or link and was left out.`));
  if (report.sizeBytes > MAX_TOTAL_BYTES) report.problems.push("It has more than 4 GiB.");
  const changes: string[] = [];
  return {
    report,
    changes,
    zip: () => zipFolder(folder, entries.filter(isUseful), inside, changes),
    close: async () => {},
  };
}

function zipFolder(
  folder: string,
  entries: readonly DatasetEntry[],
  places: Places,
  changes: string[],
): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream.pipe(new PassThrough());
  zip.on("error", (error: Error) => output.destroy(error));
  for (const { name, mimeType } of entries) {
    const isPicture = mimeType !== undefined;
    const options = { mtime: ZIP_TIME, forceDosTimestamp: true, compress: !isPicture, mode: 0o644 };
    zip.addReadStreamLazy(name, options, (give) => {
      readWhole(join(folder, name), places)
        .then(async (bytes) => {
          const checked = isPicture ? await checkPicture(bytes, name) : { bytes, notes: [] };
          changes.push(...checked.notes);
          return Readable.from([checked.bytes]);
        })
        .then(
          (stream) => give(null, stream),
          (error: unknown) => output.destroy(error instanceof Error ? error : undefined),
        );
    });
  }
  zip.end();
  return output;
}

async function readWhole(path: string, places: Places): Promise<Buffer> {
  const { handle, size } = await openAllowedFile(path, places);
  try {
    if (size > MAX_PICTURE_BYTES) {
      throw new AppError(
        "invalid_input",
        `${path} is larger than ${byteCount(MAX_PICTURE_BYTES)}.`,
      );
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function isFile(entry: Dirent): boolean {
  return entry.isFile();
}

/** What the trainer has a use for. */
function isUseful({ name, mimeType }: DatasetEntry): boolean {
  return mimeType?.startsWith("image/") === true || /\.txt$/i.test(name);
}

/** What file managers leave everywhere. */
function isClutter(name: string): boolean {
  return /(?:^|\/)(?:\.|__MACOSX(?:\/|$)|Thumbs\.db$|desktop\.ini$)/i.test(name);
}

async function headOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size >= HEAD_BYTES) break;
  }
  stream.destroy();
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}

async function typeOf(head: Buffer): Promise<Pick<DatasetEntry, "mimeType" | "width" | "height">> {
  const type = await fileTypeFromBuffer(head);
  if (!type) return {};
  if (!type.mime.startsWith("image/")) return { mimeType: type.mime };
  const { default: sharp } = await import("sharp");
  const facts = await sharp(head, { limitInputPixels: false, failOn: "none" })
    .metadata()
    .catch(() => undefined);
  return {
    mimeType: type.mime,
    ...(facts ? { width: facts.width, height: facts.height } : {}),
  };
}
