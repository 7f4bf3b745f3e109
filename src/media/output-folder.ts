import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";

/** A path, or what is there now of the way to it. */
export async function nearestExisting(path: string): Promise<string> {
  const above = dirname(path);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || above === path ? path : nearestExisting(above);
}

/**
 * Makes sure that a folder can be written or made, and makes nothing.
 * @returns the nearest folder that is there now.
 * @throws {storage}
 */
export async function requireWritable(folder: string): Promise<string> {
  const existing = await nearestExisting(folder);
  await orUnwritable(folder, async () => {
    // Of a file not even its own folder can be looked at.
    await stat(`${existing}/.`);
    await access(existing, constants.W_OK | constants.X_OK);
  });
  return existing;
}

/** Makes a folder. @throws {storage} */
export async function makeOutputFolder(folder: string): Promise<void> {
  await orUnwritable(folder, async () => {
    await makeFolder(folder);
    await access(folder, constants.W_OK | constants.X_OK);
  });
}

async function orUnwritable(folder: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    throw new AppError("storage", `The output folder ${oneLine(folder)} cannot be written.`, {
      cause: error,
      next: "Make it writable or set LONGCAT_MCP_OUTPUT_DIR; nothing was bought.",
    });
  });
}
