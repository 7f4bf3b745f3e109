import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/*
 * Node's own `mkdir` with `recursive` never returns where a folder refuses new ones by saying that
 * it is not there itself, as `/proc` does. These make one folder after the other.
 */

/** Nobody else on the machine has anything to do with what is kept. */
const OWN_ONLY = 0o700;

/** Makes a folder and those above it that are missing. @throws what the file system says. */
export function makeFolderSync(path: string): void {
  try {
    makeOneSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const above = dirname(path);
    if (!isThereSync(above)) makeFolderSync(above);
    // Once more and no oftener: whoever else makes it may have made the one above meanwhile.
    makeOneSync(path);
  }
}

/** Makes a folder and those above it that are missing. @throws what the file system says. */
export async function makeFolder(path: string): Promise<void> {
  // Mostly it is there, and an error with all that belongs to it is a dear way to hear so.
  if (await isFolder(path)) return;
  try {
    await makeOne(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const above = dirname(path);
    if (!(await isFolderThere(above))) await makeFolder(above);
    // Once more and no oftener: whoever else makes it may have made the one above meanwhile.
    await makeOne(path);
  }
}

function makeOneSync(path: string): void {
  try {
    mkdirSync(path, OWN_ONLY);
  } catch (error) {
    if (!isThere(error) || !statSync(path).isDirectory()) throw error;
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, OWN_ONLY);
  } catch (error) {
    if (!isThere(error) || !(await stat(path)).isDirectory()) throw error;
  }
}

function isThereSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function isFolderThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

function isThere(error: unknown): boolean {
  return codeOf(error) === "EEXIST" || codeOf(error) === "EISDIR";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
