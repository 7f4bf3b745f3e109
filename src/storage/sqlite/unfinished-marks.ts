import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNFINISHED_FOLDER } from "../../core/folder-names.ts";

/**
 * An empty file beside the database for each process that may have unfinished jobs, named by it.
 * Whoever starts sees there, without opening the database, whether something is left to do. They
 * are hints: one too many costs a look, and one that is missing comes back with the next beat.
 */
export class UnfinishedMarks {
  readonly #folder: string;
  #own: string | undefined;

  /** @param folder where the database lies */
  constructor(folder: string) {
    this.#folder = join(folder, UNFINISHED_FOLDER);
  }

  /** Says of this process that it has unfinished jobs, or is about to have one. */
  set(holder: string, isSure = false): void {
    if (this.#own === holder && !isSure) return;
    this.#try(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(this.#pathOf(holder), "", { mode: 0o600 });
      this.#own = holder;
    });
  }

  clear(holder: string): void {
    if (this.#own === holder) this.#own = undefined;
    this.#try(() => rmSync(this.#pathOf(holder), { force: true }));
  }

  /** Removes the marks of all who have nothing left; the folder is there from then on. */
  keepOnly(holders: readonly string[]): void {
    this.#try(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const kept = new Set([...holders, ...(this.#own ? [this.#own] : [])].map(nameOf));
      for (const name of readdirSync(this.#folder)) {
        if (!kept.has(name)) rmSync(join(this.#folder, name), { force: true });
      }
    });
  }

  #pathOf(holder: string): string {
    return join(this.#folder, nameOf(holder));
  }

  #try(change: () => void): void {
    try {
      change();
    } catch {
      // A folder that takes no file takes no job either, and says so there.
    }
  }
}

function nameOf(holder: string): string {
  return encodeURIComponent(holder);
}
