import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { oneLine } from "../../core/text.ts";
import type { ClosedMarker } from "../../users/door.ts";

const NAME = "closed";
const CONTENT =
  "longcat-mcp asks for a token over HTTP, because users have existed here.\n`longcat-mcp users open` undoes that; deleting this file does not.\n";

/** A file beside the database. */
export class ClosedMarkerFile implements ClosedMarker {
  readonly #folder: string;
  readonly #path: string;

  /** @param folder where the database lies */
  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, NAME);
  }

  isSet(): boolean {
    return existsSync(this.#path);
  }

  set(): void {
    if (this.isSet()) return;
    this.#surely("written", () => {
      const file = openSync(this.#path, "w", 0o600);
      try {
        writeSync(file, CONTENT);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      this.#syncFolder();
    });
  }

  clear(): void {
    this.#surely("removed", () => {
      rmSync(this.#path, { force: true });
      this.#syncFolder();
    });
  }

  #syncFolder(): void {
    let folder: number;
    try {
      folder = openSync(this.#folder, "r");
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

  #surely(what: string, change: () => void): void {
    try {
      change();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AppError("storage", `${oneLine(this.#path)} cannot be ${what}: ${reason}.`, {
        cause: error,
        next: "Make the data folder usable and try again; nothing was changed.",
      });
    }
  }
}
