import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeEmptyFolders, writePrivately } from "./host-file.ts";

/** The files in which keys are kept for hosts: their user's alone, and named in no host by their content. */
export class KeyFiles {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "keys");
  }

  path(variable: string): string {
    return join(this.#folder, variable);
  }

  async has(variable: string): Promise<boolean> {
    const kept = await readFile(this.path(variable), "utf8").catch(() => "");
    return kept.trim() !== "";
  }

  /** @throws {storage} */
  async keep(variable: string, key: string): Promise<void> {
    await writePrivately(this.path(variable), `${key}\n`);
  }

  async forget(variables: readonly string[]): Promise<void> {
    for (const variable of variables) await rm(this.path(variable), { force: true });
    await removeEmptyFolders(this.#folder, this.#folder);
  }
}
