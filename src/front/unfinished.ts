import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The processes that may have unfinished jobs in a data folder, as leases name them: its store
 * keeps an empty file for each.
 * @returns nothing where that cannot be told
 */
export function holdersIn(dataDir: string): string[] | undefined {
  try {
    return readdirSync(join(dataDir, "unfinished")).map((name) => decodeURIComponent(name));
  } catch {
    return existsSync(join(dataDir, "jobs.db")) ? undefined : [];
  }
}
