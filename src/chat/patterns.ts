import { relative, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { type Places, realOrSame } from "../media/allowed-files.ts";
import { absolutePath, isInside } from "../media/paths.ts";
import type { Effort } from "./effort.ts";
import { compileGlob, firstMagic, type Glob } from "./glob.ts";

const MOST_PATTERNS = 1_000;
const MOST_CHARACTERS = 500;
/** Of all patterns that are no plain paths, together. */
const MOST_CHARACTERS_IN_ALL = 10_000;

/** What patterns with a leading `!` leave out. */
export interface LeftOut {
  /** @param path absolute; of a folder with a separator at its end. */
  has(path: string): boolean;
}

/**
 * A list without its leading `!`, apart; `!(…)` is a group of names and no such thing.
 * @throws {invalid_input} for more or longer patterns than can be gone through.
 */
export function sortPatterns(list: readonly string[]): { wanted: string[]; unwanted: string[] } {
  if (list.length > MOST_PATTERNS) {
    throw new AppError(
      "invalid_input",
      `\`files\` has ${list.length} entries; ${MOST_PATTERNS} are possible.`,
      { next: "Name folders or patterns instead of each file; nothing was sent." },
    );
  }
  const patterns = list.map((pattern) => pattern.trim());
  const isUnwanted = (pattern: string) => /^!(?!\()/.test(pattern);
  const wanted = patterns.filter((pattern) => !isUnwanted(pattern));
  const unwanted = patterns.filter(isUnwanted).map((pattern) => pattern.slice(1).trim());
  checkLengths([...wanted, ...unwanted]);
  return { wanted, unwanted };
}

function checkLengths(patterns: readonly string[]): void {
  // Plain paths are as long as the system lets them be.
  const globs = patterns.filter((pattern) => /[*?[{(]/.test(pattern));
  const long = globs.find((glob) => glob.length > MOST_CHARACTERS && !isPlain(glob));
  if (long !== undefined) {
    throw new AppError(
      "invalid_input",
      `The pattern ${oneLine(long, 80)} has ${long.length} characters; ${MOST_CHARACTERS} are possible.`,
      { next: "Use a shorter pattern, or several; nothing was sent." },
    );
  }
  const inAll = globs.reduce((sum, glob) => sum + glob.length, 0);
  if (inAll <= MOST_CHARACTERS_IN_ALL) return;
  throw new AppError(
    "invalid_input",
    `The patterns of \`files\` have ${inAll} characters in all; ${MOST_CHARACTERS_IN_ALL} are possible.`,
    { next: "Use fewer or shorter patterns, or name folders; nothing was sent." },
  );
}

/** Whether nothing in a text that is too long to be looked at closely can be a pattern's character. */
function isPlain(pattern: string): boolean {
  return !/[*?[{]|[+@!]\(/.test(pattern);
}

/** The part of a pattern that is a plain folder, and the rest; a `!` in it is a character. */
export function splitPattern(given: string, places: Places): { base: string; glob: string } {
  // Elsewhere a backslash stands between folders.
  const pattern = sep === "/" ? given : given.split(sep).join("/");
  const magic = firstMagic(pattern);
  const end = magic === -1 ? pattern.length : pattern.lastIndexOf("/", magic) + 1;
  const base = pattern.slice(0, end).replace(/\\(.)/gs, "$1");
  return { base: absolutePath(base || ".", places), glob: pattern.slice(end) };
}

/** @param dot whether `*` stands for hidden names as well. */
export function matcherOf(glob: string, dot: boolean): Glob {
  // A folder stands for all in it.
  return compileGlob(glob.endsWith("/") ? `${glob}**` : glob, dot);
}

/**
 * @param unwanted patterns without their `!`. As a name may hold characters that mean something,
 *   each counts both as a path and as a pattern: rather too much is left out than too little.
 */
export async function leftOutBy(
  unwanted: readonly string[],
  places: Places,
  effort: Effort,
): Promise<LeftOut> {
  const lists = await Promise.all(unwanted.map((pattern) => coversOf(pattern, places, effort)));
  const covers = lists.flat();
  return {
    has(path) {
      effort.spend(covers.length * path.length);
      return covers.some((covered) => covered(path));
    },
  };
}

type Cover = (path: string) => boolean;

async function coversOf(pattern: string, places: Places, effort: Effort): Promise<Cover[]> {
  const { base, glob } = splitPattern(pattern, places);
  const itself = await aliasesOf(absolutePath(pattern, places));
  const isBelow = (folder: string) => (path: string) => isInside(folder, path);
  if (glob === "") return [...itself, ...(await aliasesOf(base))].map(isBelow);
  // What is in a folder that matches is left out with it.
  const compiled = compileGlob(glob, true);
  const matching = (folder: string) => (path: string) =>
    isInside(folder, path) && matchesOnTheWay(wayTo(path, folder), compiled, effort);
  return [...itself.map(isBelow), ...(await aliasesOf(base)).map(matching)];
}

/** As it is written, and where it leads: files are found by either. */
async function aliasesOf(path: string): Promise<string[]> {
  return [path, await realOrSame(path)];
}

/** Whether a pattern is true of the end of a way or of a folder on it. */
function matchesOnTheWay(way: readonly string[], glob: Glob, effort: Effort): boolean {
  return way.some((_, position) => glob.matches(way.slice(0, position + 1), effort));
}

/** From a folder to something in it: the names on the way. */
export function wayTo(path: string, folder: string): string[] {
  const way = path.startsWith(folder + sep)
    ? path.slice(folder.length + 1)
    : relative(folder, path);
  return way.split(sep).filter((name) => name !== "");
}
