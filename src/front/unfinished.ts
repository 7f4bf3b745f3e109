import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_FILE, UNFINISHED_FOLDER } from "../core/folder-names.ts";

/**
 * The processes that may have unfinished jobs in a data folder, as leases name them: its store
 * keeps an empty file for each.
 * @returns nothing where that cannot be told
 */
export function holdersIn(dataDir: string): string[] | undefined {
  try {
    return readdirSync(join(dataDir, UNFINISHED_FOLDER)).map((name) => decodeURIComponent(name));
  } catch {
    return existsSync(join(dataDir, DATABASE_FILE)) ? undefined : [];
  }
}
