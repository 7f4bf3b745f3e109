import { posix } from "node:path";
import type { Readable } from "node:stream";
import { byteCount, message, oneLine } from "../core/text.ts";
import { MAX_PICTURE_BYTES } from "../media/largest-files.ts";

export const MAX_FILES = 20_000;
/** What a set may be, unpacked. */
export const MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024;
const MAX_LISTED = 12;

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
    if (dir !== "")
      warnings.push(`${oneLine(entry.name)} is in a subfolder, where it may not be found.`);
    if (ext.toLowerCase() === ".txt") {
      captions.push(entry.name);
    } else if (entry.mimeType?.startsWith("image/")) {
      pictures++;
      const [, root, role, number] = PICTURE_NAME.exec(name) ?? [];
      if (root === undefined || role === undefined) {
        warnings.push(
          `${oneLine(entry.name)} belongs to no pair: it is neither a start nor an end.`,
        );
      } else if (role.toLowerCase() === "end") {
        setOf(posix.join(dir, root)).end = entry;
      } else {
        setOf(posix.join(dir, root)).starts.set(Number(number || 1), entry);
      }
      if (entry.sizeBytes > MAX_PICTURE_BYTES) {
        warnings.push(`${oneLine(entry.name)} has ${byteCount(entry.sizeBytes)}.`);
      }
    } else {
      warnings.push(`${oneLine(entry.name)} is neither a picture nor a caption.`);
    }
  }
  for (const name of captions) {
    const set = sets.get(posix.join(posix.parse(name).dir, posix.parse(name).name));
    if (set) set.hasCaption = true;
    else warnings.push(`${oneLine(name)} is a caption of no pair.`);
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
  if (!end) found.push(`${oneLine(root)}_end is missing.`);
  const count = Math.max(0, ...starts.keys());
  for (let number = 1; number <= Math.max(1, count); number++) {
    if (!starts.has(number))
      found.push(`${oneLine(root)}_start${number === 1 ? "" : number} is missing.`);
  }
  if (!hasCaption && wishes.defaultCaption === undefined) {
    found.push(`${oneLine(root)}.txt is missing, and there is no default caption.`);
  }
  if (wishes.referenceCount !== undefined && starts.size !== wishes.referenceCount) {
    found.push(`${oneLine(root)} has ${starts.size} references, not ${wishes.referenceCount}.`);
  }
  const first = starts.get(1);
  const differs = end && first && (end.width !== first.width || end.height !== first.height);
  if (differs && end.width !== undefined && first.width !== undefined) {
    found.push(
      `${oneLine(root)}: start (${first.width}×${first.height}) and end (${end.width}×${end.height}) differ in size.`,
    );
  }
  return found;
}

/** A report in a few lines. */
export function describeDataset(report: DatasetReport): string {
  const { pairs, pictures, captions, sizeBytes, problems, warnings } = report;
  const lines = [
    `Training set: ${pairs} complete pairs, ${pictures} pictures, ${captions} captions, ${byteCount(sizeBytes)}.`,
    ...problems.slice(0, MAX_LISTED).map((problem) => `Problem: ${message(problem)}`),
    ...warnings.slice(0, MAX_LISTED).map((warning) => `Check: ${message(warning)}`),
  ];
  if (problems.length > MAX_LISTED) {
    lines.push(`… and ${problems.length - MAX_LISTED} more problems.`);
  }
  if (warnings.length > MAX_LISTED) {
    lines.push(`… and ${warnings.length - MAX_LISTED} more to check.`);
  }
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

/** What file managers leave everywhere. */
export function isClutter(name: string): boolean {
  return /(?:^|\/)(?:\.|__MACOSX(?:\/|$)|Thumbs\.db$|desktop\.ini$)/i.test(name);
}
