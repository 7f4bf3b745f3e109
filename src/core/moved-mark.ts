import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "./errors.ts";
import { oneLine } from "./text.ts";

/** Beside the database. */
const MARK = "moved";
const UNKNOWN_PLACE = "a place that it does not name";

/** That a record is, or is about to be, somewhere else. */
export interface MovedMark {
  /** Where to, for a person: without user and password. */
  to: string;
  /** Where finished files went, for a person; unknown for a mark of before that was noted. */
  files?: string | undefined;
  /** Whether everything is there. */
  isWhole: boolean;
  /** What the record is known by there, as soon as that is certain. */
  id?: string | undefined;
}

/** What is said of a data folder's record; `undefined` where it has stayed. */
export function movedMark(folder: string): MovedMark | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, MARK), "utf8");
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    // What cannot be read is there: better to begin nothing than to buy twice.
    return isAbsent || isNoFolder(error) ? undefined : { to: UNKNOWN_PLACE, isWhole: true };
  }
  const [, to = UNKNOWN_PLACE] = /^to: (.+)$/m.exec(text) ?? [];
  const [, id] = /^record: (\w+)$/m.exec(text) ?? [];
  const [, files] = /^files: (.+)$/m.exec(text) ?? [];
  return { to, files, isWhole: !/^state: moving$/m.test(text), id };
}

/** Notes it, safe from a power cut. @throws what the file system says */
export function setMovedMark(folder: string, { to, files, isWhole, id }: MovedMark): void {
  const text = [
    "The record of jobs in this folder has moved: longcat-mcp does not use it any more.",
    "`longcat-mcp migrate --undo` undoes that; deleting this file would let jobs be bought twice.",
    `to: ${oneLine(to)}`,
    ...(files === undefined ? [] : [`files: ${oneLine(files)}`]),
    `state: ${isWhole ? "moved" : "moving"}`,
    ...(id === undefined ? [] : [`record: ${id}`]),
    "",
  ].join("\n");
  const path = join(folder, MARK);
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncFolder(folder);
}

export function clearMovedMark(folder: string): void {
  rmSync(join(folder, MARK), { force: true });
  syncFolder(folder);
}

/** @throws {configuration} for a folder whose record is somewhere else */
export function refuseMoved(folder: string): void {
  const mark = movedMark(folder);
  if (!mark) return;
  const { to, isWhole } = mark;
  const where = `The record in ${oneLine(folder)}`;
  throw isWhole
    ? new AppError(
        "configuration",
        `${where} has moved to the database ${oneLine(to)}: set LONGCAT_MCP_DATABASE_URL to it, or take it back with \`longcat-mcp migrate --undo\`. Nothing was bought.`,
      )
    : new AppError(
        "configuration",
        `${where} is being moved to the database ${oneLine(to)}: run \`longcat-mcp migrate\` again to finish that, or \`longcat-mcp migrate --undo\`. Nothing was bought.`,
      );
}

function isNoFolder(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOTDIR";
}

function syncFolder(path: string): void {
  let folder: number;
  try {
    folder = openSync(path, "r");
  } catch {
    // Windows opens no folder, and needs no such thing.
    return;
  }
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
