import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { ZipFile } from "yazl";
import { AppError } from "../core/errors.ts";
import { HEAD_BYTES } from "../core/file-head.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { openAllowedFile, type Places } from "../media/allowed-files.ts";
import { readHeld, whileHeld } from "../media/held-file.ts";
import { checkPicture } from "./checked-picture.ts";
import {
  type Dataset,
  type DatasetEntry,
  type DatasetWishes,
  isClutter,
  judgeDataset,
  MAX_FILES,
  MAX_TOTAL_BYTES,
} from "./dataset.ts";
import {
  type ExaminedFile,
  examineOther,
  examinePicture,
  isToBeRead,
  tooLarge,
} from "./training-picture.ts";

/** The same folder gives the same archive, whenever it is zipped. */
const ZIP_TIME = new Date(Date.UTC(2000, 0, 1));

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
  const only = { allowedDirs: [folder], realDirs: [folder], opened: undefined };
  const inside = { ...places, ...only, workingDir: folder };
  const found = await readdir(folder, { withFileTypes: true });
  if (found.length > MAX_FILES) {
    throw new AppError("invalid_input", `${oneLine(folder)} has more than ${MAX_FILES} files.`);
  }
  const left = found.filter((one) => !isFile(one) && !isClutter(one.name)).map((one) => one.name);
  const names = found
    .filter((one) => isFile(one) && !isClutter(one.name))
    .map((one) => one.name)
    .sort();
  const entries: DatasetEntry[] = [];
  const problems: string[] = [];
  for (const name of names) {
    const { entry, problem } = await examine(name, join(folder, name), inside);
    entries.push(entry);
    if (problem !== undefined) problems.push(problem);
  }
  const report = judgeDataset(entries, wishes);
  report.warnings.push(
    ...left.map((name) => `${oneLine(name)} is a folder or link and was left out.`),
  );
  if (report.sizeBytes > MAX_TOTAL_BYTES) {
    problems.push(
      `It has ${byteCount(report.sizeBytes)}, more than the ${byteCount(MAX_TOTAL_BYTES)} (2 GiB) that a set may have.`,
    );
  }
  report.problems.unshift(...problems);
  const changes: string[] = [];
  return {
    report,
    changes,
    zip: () => zipFolder(folder, entries.filter(isUseful), inside, changes),
    close: async () => {},
  };
}

async function examine(name: string, path: string, places: Places): Promise<ExaminedFile> {
  const { handle, size } = await openAllowedFile(path, places);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const isPicture = await isToBeRead(name, head);
    const problem = isPicture ? tooLarge(name, size) : undefined;
    if (problem !== undefined) return { ...(await examineOther(name, size, head)), problem };
    if (!isPicture) return await examineOther(name, size, head);
    return await whileHeld(size, async () =>
      unreadable(name, await examinePicture(name, await readHeld(handle, size, name))),
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    return {
      entry: { name, sizeBytes: size },
      problem: `${oneLine(name)} cannot be read from its disk.`,
    };
  } finally {
    await handle.close();
  }
}

/** What is a picture but cannot be cleaned is not sent from here. */
function unreadable(name: string, examined: ExaminedFile): ExaminedFile {
  if (examined.problem !== undefined || examined.notes) return examined;
  const { mimeType } = examined.entry;
  return {
    ...examined,
    problem: `${oneLine(name)} is not a picture that can be sent (it is ${mimeType}).`,
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
  const fail = (name: string) => (error: unknown) => {
    output.destroy(
      error instanceof AppError
        ? error
        : new AppError("invalid_input", `${oneLine(name)} cannot be read.`, { cause: error }),
    );
  };
  zip.on("error", fail(folder));
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
        .then((stream) => give(null, stream), fail(name));
    });
  }
  zip.end();
  return output;
}

async function readWhole(path: string, places: Places): Promise<Buffer> {
  const { handle, size } = await openAllowedFile(path, places);
  try {
    const problem = tooLarge(path, size);
    if (problem !== undefined) throw new AppError("invalid_input", problem);
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
