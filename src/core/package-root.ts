import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "./errors.ts";

/**
 * The folder that holds this package's `assets/`, whether the code runs from
 * `src/`, from the bundle in `dist/` or from an unpacked archive.
 */
export function packageRoot(from: string = import.meta.url): string {
  let folder = dirname(fileURLToPath(from));
  while (!existsSync(join(folder, "assets"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new AppError("internal", "The package's own files are missing.");
    folder = parent;
  }
  return folder;
}

/** The text of a file that was built for this package. @param name below `dist/`. */
export function readBuilt(name: string): Promise<string> {
  return readFile(join(packageRoot(), "dist", name), "utf8");
}
