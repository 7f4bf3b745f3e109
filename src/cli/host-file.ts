import { randomUUID } from "node:crypto";
import { lstatSync } from "node:fs";
import { open, readFile, realpath, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";

const OWN_ONLY = 0o600;

/** A file of a host, as it was when it was read. */
export interface HostFile {
  /** Where it really lies: a link stays one. */
  path: string;
  /** Undefined where there is none. */
  bytes: Buffer | undefined;
  mode: number;
}

/** @throws {storage} where it is there and cannot be read */
export async function readHostFile(named: string): Promise<HostFile> {
  const path = await realpath(named).catch(() => named);
  try {
    const [bytes, { mode }] = await Promise.all([readFile(path), stat(path)]);
    return { path, bytes, mode: mode & 0o777 };
  } catch (error) {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
    if (codeOf(error) === "ENOENT" && !isLink) {
      return { path, bytes: undefined, mode: OWN_ONLY };
    }
    throw unusable(named, isLink ? "is a link to nothing" : "cannot be read", error);
  }
}

/** What a file says, its byte order mark included. @throws {configuration} where it is no UTF-8 */
export function textOf(bytes: Buffer | undefined, named: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError("configuration", `${oneLine(named)} is not UTF-8 text.`, {
      next: "Save it as UTF-8; nothing was changed.",
    });
  }
}

/**
 * Puts a whole file in place of one that is as it was read, or where none was.
 * @param bytes undefined removes it
 * @throws {storage} where it cannot be written, or is another one meanwhile; it is then untouched
 */
export async function writeHostFile(before: HostFile, bytes: Buffer | undefined): Promise<void> {
  const { path, mode } = before;
  const hidden = join(dirname(path), `.${basename(path)}.longcat-mcp-${randomUUID()}`);
  try {
    if (bytes === undefined) {
      await requireSame(before);
      await rm(path, { force: true });
      return;
    }
    await makeFolder(dirname(path));
    const file = await open(hidden, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await requireSame(before);
    await rename(hidden, path);
  } catch (error) {
    await rm(hidden, { force: true }).catch(() => undefined);
    if (error instanceof AppError) throw error;
    throw unusable(path, "cannot be written", error);
  }
}

/** A file that only its user may read, in place of any of that name. @throws {storage} */
export async function writePrivately(path: string, bytes: Buffer | string): Promise<void> {
  const hidden = `${path}.${randomUUID()}`;
  try {
    await makeFolder(dirname(path));
    await writeFile(hidden, bytes, { flag: "wx", mode: OWN_ONLY });
    await rename(hidden, path);
  } catch (error) {
    await rm(hidden, { force: true }).catch(() => undefined);
    throw unusable(path, "cannot be written", error);
  }
}

/** Removes folders that hold nothing, from one upwards to another. */
export async function removeEmptyFolders(from: string, upTo: string): Promise<void> {
  for (let folder = from; folder.startsWith(upTo); folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    if (folder === upTo) return;
  }
}

/** Hosts write their files as well: what one has written meanwhile must not be lost. */
async function requireSame({ path, bytes }: HostFile): Promise<void> {
  const now = await readFile(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  const isSame = bytes === undefined ? now === undefined : now !== undefined && bytes.equals(now);
  if (isSame) return;
  throw new AppError("storage", `${oneLine(path)} was changed meanwhile by another program.`, {
    next: "Run the command again; nothing was changed.",
  });
}

function unusable(path: string, what: string, cause: unknown): AppError {
  const code = codeOf(cause);
  const why = code === undefined ? "" : ` (${code})`;
  return new AppError("storage", `${oneLine(path)} ${what}${why}.`, {
    cause,
    next: "See to it, then run the command again; nothing was changed.",
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
