import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { SANDBOX_FOLDER } from "../core/folder-names.ts";
import { oneLine } from "../core/text.ts";
import { nameProblem } from "./file-names.ts";

/** Where the files of all but the one user of this machine lie, a folder each. */
export const USERS_FOLDER = "users";

/**
 * The folders below an output folder in which other owners' files lie, those of its sandbox
 * included: an output folder may be named by its path, and these may not.
 */
export function ownersFolders(outputDir: string): string[] {
  return [join(outputDir, USERS_FOLDER), join(outputDir, SANDBOX_FOLDER, USERS_FOLDER)];
}

/** No capitals: on some disks they would be another's small ones. */
const OWNER_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * The name of an owner's folder, which is the owner's id.
 * @throws {configuration} for an id that is no harmless name on every disk.
 */
export function ownerFolder(owner: string): string {
  if (OWNER_ID.test(owner) && nameProblem(owner, true) === undefined) return owner;
  throw new AppError(
    "configuration",
    `The user id ${oneLine(owner, 80)} cannot be the name of a folder: up to 64 of a-z, 0-9, _ and -, beginning with a letter or digit, and no device of Windows.`,
  );
}
