import { constants, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { type Places, READ_UNBLOCKED, realDirsOf } from "../media/allowed-files.ts";
import type { Effort } from "./effort.ts";
import { compileWay, type Glob } from "./glob.ts";
import { wayTo } from "./patterns.ts";

const MAX_BYTES = 1024 * 1024;
/** Of one file, and of all that apply to one list. */
const MAX_RULES = 20_000;
/** No path is longer. */
const MAX_LINE = 4_096;

interface Rule {
  glob: Glob;
  /** Whether it brings back what an earlier one ignores. */
  isNegated: boolean;
  forFolders: boolean;
  /** Whether it is about the way from its file's folder, or about names anywhere below. */
  isAnchored: boolean;
}

/** What the `.gitignore` files of a folder, of those below and of the repository above say. */
export class IgnoreRules {
  readonly #top: string;
  readonly #effort: Effort;
  readonly #rules = new Map<string, Promise<readonly Rule[]>>();
  readonly #folders = new Map<string, Promise<boolean>>();
  #left = MAX_RULES;

  private constructor(top: string, effort: Effort) {
    this.#top = top;
    this.#effort = effort;
  }

  static async of(folder: string, places: Places, effort: Effort): Promise<IgnoreRules> {
    return new IgnoreRules(await topOf(folder, places), effort);
  }

  /**
   * As in git: nothing is brought back below an ignored folder; else the nearest file that has an
   * opinion decides, and in it the last rule.
   * @throws {invalid_input} for a `.gitignore` that is too large
   */
  async ignores(path: string, isFolder: boolean): Promise<boolean> {
    const folder = dirname(path);
    if (folder !== this.#top && folder !== dirname(folder)) {
      let known = this.#folders.get(folder);
      if (!known) {
        known = this.ignores(folder, true);
        this.#folders.set(folder, known);
      }
      if (await known) return true;
    }
    for (let dir = folder; ; dir = dirname(dir)) {
      const rules = await this.#of(dir);
      const opinion =
        rules.length > 0 ? this.#opinion(rules, wayTo(path, dir), isFolder) : undefined;
      if (opinion !== undefined) return opinion;
      if (dir === this.#top || dir === dirname(dir)) return false;
    }
  }

  #opinion(rules: readonly Rule[], way: readonly string[], isFolder: boolean): boolean | undefined {
    const name = way.slice(-1);
    const last = rules.findLast(
      (rule) =>
        (isFolder || !rule.forFolders) &&
        rule.glob.matches(rule.isAnchored ? way : name, this.#effort),
    );
    return last && !last.isNegated;
  }

  #of(dir: string): Promise<readonly Rule[]> {
    const known = this.#rules.get(dir);
    if (known) return known;
    const reading = this.#read(join(dir, ".gitignore"));
    this.#rules.set(dir, reading);
    return reading;
  }

  async #read(path: string): Promise<readonly Rule[]> {
    const lines = (await textOf(path))?.replace(/^\uFEFF/, "").split("\n") ?? [];
    const written = lines.map(withoutEnd).filter((line) => line !== "" && !line.startsWith("#"));
    this.#left -= written.length;
    if (this.#left < 0) throw tooMuch(path, `brings the rules to more than ${MAX_RULES}`);
    if (written.some((line) => line.length > MAX_LINE)) {
      throw tooMuch(path, `has a rule of more than ${MAX_LINE} characters`);
    }
    return written.flatMap(ruleOf);
  }
}

/** Without the blanks at its end that are not escaped, and without what Windows ends lines with. */
function withoutEnd(line: string): string {
  let end = line.endsWith("\r") ? line.length - 1 : line.length;
  while (line[end - 1] === " " && line[end - 2] !== "\\") end--;
  return line.slice(0, end);
}

/** @returns nothing for what can match nothing. */
function ruleOf(line: string): Rule[] {
  const isNegated = line.startsWith("!");
  const written = isNegated ? line.slice(1) : line;
  const forFolders = written.endsWith("/");
  const pattern = forFolders ? written.slice(0, -1) : written;
  const names = pattern.replace(/^\//, "").split("/");
  if (names.includes("") || names.includes(".") || endsOpen(pattern)) return [];
  const glob = compileWay(pattern, { dot: true, groups: false });
  return [{ glob, isNegated, forFolders, isAnchored: pattern.includes("/") }];
}

/** Whether the last character is a backslash that escapes nothing. */
function endsOpen(pattern: string): boolean {
  let start = pattern.length;
  while (pattern[start - 1] === "\\") start--;
  return (pattern.length - start) % 2 === 1;
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
async function textOf(path: string): Promise<string | undefined> {
  const flags = READ_UNBLOCKED | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(path, flags).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile()) return undefined;
    // With only a part of the rules, files would be sent that the rest leaves out.
    if (found.size > MAX_BYTES) throw tooMuch(path, "is larger than 1 MiB");
    return await readText(handle, found.size);
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

function tooMuch(path: string, why: string): AppError {
  return new AppError("invalid_input", `${oneLine(path)} ${why}.`, {
    next: "Make it smaller, or name each file itself; nothing was sent.",
  });
}
