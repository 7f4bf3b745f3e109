import { constants, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { AppError } from "../core/errors.ts";
import { type Places, READ_UNBLOCKED, realDirsOf } from "../media/files.ts";
import { wayTo } from "./patterns.ts";

const MAX_BYTES = 1024 * 1024;

/** What the `.gitignore` files of a folder, of those below and of the repository above say. */
export class IgnoreRules {
  readonly #top: string;
  readonly #rules = new Map<string, Promise<Ignore | undefined>>();

  private constructor(top: string) {
    this.#top = top;
  }

  static async of(folder: string, places: Places): Promise<IgnoreRules> {
    return new IgnoreRules(await topOf(folder, places));
  }

  /**
   * The nearest file that has an opinion decides, as in git.
   * @throws {invalid_input} for a `.gitignore` that is too large
   */
  async ignores(path: string, isFolder: boolean): Promise<boolean> {
    for (let dir = dirname(path); ; dir = dirname(dir)) {
      const rules = await this.#of(dir);
      const way = wayTo(path, dir);
      const opinion = rules?.test(isFolder ? `${way}/` : way);
      if (opinion?.ignored) return true;
      if (opinion?.unignored || dir === this.#top || dir === dirname(dir)) return false;
    }
  }

  #of(dir: string): Promise<Ignore | undefined> {
    const known = this.#rules.get(dir);
    if (known) return known;
    const reading = rulesIn(join(dir, ".gitignore"));
    this.#rules.set(dir, reading);
    return reading;
  }
}

/**
 * The repository that a folder is in; without one, the highest allowed folder around it. That the
 * repository's rules are read where it begins above the allowed folders is meant: nothing of them
 * is seen but that less is attached, and without them files that git ignores would be sent.
 */
async function topOf(folder: string, places: Places): Promise<string> {
  const allowed = await realDirsOf(places);
  let top = folder;
  for (let dir = folder; ; dir = dirname(dir)) {
    if (existsSync(join(dir, ".git"))) return dir;
    if (allowed.includes(dir)) top = dir;
    if (dir === dirname(dir)) return top;
  }
}

/** @returns `undefined` where there is no regular file; a link is not followed, as in git. */
async function rulesIn(path: string): Promise<Ignore | undefined> {
  const flags = READ_UNBLOCKED | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(path, flags).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile()) return undefined;
    // With only a part of the rules, files would be sent that the rest leaves out.
    if (found.size > MAX_BYTES) throw tooLarge(path);
    return ignore().add(await readText(handle, found.size));
  } finally {
    await handle.close();
  }
}

/** No more than it had: what is added to it meanwhile is left alone. */
async function readText(handle: FileHandle, size: number): Promise<string> {
  const buffer = Buffer.alloc(size);
  for (let length = 0; length < size; ) {
    const { bytesRead } = await handle.read(buffer, length, size - length);
    if (bytesRead === 0) return buffer.toString("utf8", 0, length);
    length += bytesRead;
  }
  return buffer.toString("utf8");
}

function tooLarge(path: string): AppError {
  return new AppError("invalid_input", `${path} is larger than 1 MiB.`, {
    next: "Make it smaller, or name each file itself; nothing was sent.",
  });
}
