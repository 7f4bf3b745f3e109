import { relative, sep } from "node:path";
import picomatch from "picomatch";
import { type Places, realOrSame } from "../media/files.ts";
import { absolutePath, isInside } from "../media/paths.ts";

/** What patterns with a leading `!` leave out. */
export interface LeftOut {
  /** @param path absolute; of a folder with a separator at its end. */
  has(path: string): boolean;
}

/** A list without its leading `!`, apart; `!(…)` is a group of names and no such thing. */
export function sortPatterns(list: readonly string[]): { wanted: string[]; unwanted: string[] } {
  const patterns = list.map((pattern) => pattern.trim());
  const isUnwanted = (pattern: string) => /^!(?!\()/.test(pattern);
  return {
    wanted: patterns.filter((pattern) => !isUnwanted(pattern)),
    unwanted: patterns.filter(isUnwanted).map((pattern) => pattern.slice(1).trim()),
  };
}

/** The part of a pattern that is a plain folder, and the rest; a `!` in it is a character. */
export function splitPattern(pattern: string, places: Places): { base: string; glob: string } {
  const { base, glob } = picomatch.scan(pattern, { nonegate: true });
  // Elsewhere a backslash stands between folders.
  const folder = sep === "/" ? base.replace(/\\(.)/g, "$1") : base;
  return { base: absolutePath(folder || ".", places), glob };
}

/** @param dot whether `*` stands for hidden names as well. */
export function matcherOf(glob: string, dot: boolean): (way: string) => boolean {
  return picomatch(glob, { dot, nonegate: true });
}

/**
 * @param unwanted patterns without their `!`. As a name may hold characters that mean something,
 *   each counts both as a path and as a pattern: rather too much is left out than too little.
 */
export async function leftOutBy(unwanted: readonly string[], places: Places): Promise<LeftOut> {
  const lists = await Promise.all(unwanted.map((pattern) => coversOf(pattern, places)));
  const covers = lists.flat();
  return { has: (path) => covers.some((covered) => covered(path)) };
}

type Cover = (path: string) => boolean;

async function coversOf(pattern: string, places: Places): Promise<Cover[]> {
  const { base, glob } = splitPattern(pattern, places);
  const itself = await aliasesOf(absolutePath(pattern, places));
  const isBelow = (folder: string) => (path: string) => isInside(folder, path);
  if (glob === "") return [...itself, ...(await aliasesOf(base))].map(isBelow);
  const matches = matcherOf(glob, true);
  const matching = (folder: string) => (path: string) =>
    isInside(folder, path) && matchesOnTheWay(wayTo(path, folder), matches);
  return [...itself.map(isBelow), ...(await aliasesOf(base)).map(matching)];
}

/** As it is written, and where it leads: files are found by either. */
async function aliasesOf(path: string): Promise<string[]> {
  return [path, await realOrSame(path)];
}

/** Whether a pattern is true of the end of a way or of a folder on it, with or without a slash. */
function matchesOnTheWay(way: string, matches: (way: string) => boolean): boolean {
  for (let end = way.indexOf("/"); end !== -1; end = way.indexOf("/", end + 1)) {
    if (matches(way.slice(0, end)) || matches(way.slice(0, end + 1))) return true;
  }
  return matches(way);
}

/** From a folder to something in it, with slashes. */
export function wayTo(path: string, folder: string): string {
  const way = path.startsWith(folder + sep)
    ? path.slice(folder.length + 1)
    : relative(folder, path);
  return sep === "/" ? way : way.split(sep).join("/");
}
