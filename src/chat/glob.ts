import { bracesAt, expandBraces } from "./braces.ts";
import type { Effort } from "./effort.ts";
import {
  endOfClass,
  groupAt,
  parseSegment,
  type Segment,
  type SegmentOptions,
} from "./glob-segment.ts";

/** Any number of folders. */
const ANY_FOLDERS = "any folders";
type Part = Segment | typeof ANY_FOLDERS;

/** A pattern for a way through folders: the names on it, from the top. */
export interface Glob {
  matches(way: readonly string[], effort: Effort): boolean;
}

/**
 * A glob pattern with `*`, `**`, `?`, `[…]`, `{…}` and groups such as `+(a|b)`.
 * @param dot whether `*` stands for hidden names as well.
 * @throws {invalid_input} for braces that stand for too many patterns and for groups in groups.
 */
export function compileGlob(pattern: string, dot: boolean): Glob {
  const globs = expandBraces(pattern).map((one) => compileWay(one, { dot, groups: true }));
  return { matches: (way, effort) => globs.some((glob) => glob.matches(way, effort)) };
}

/** A pattern as `.gitignore` files have them: without braces and groups. */
export function compileWay(pattern: string, options: SegmentOptions): Glob {
  const parts = partsOf(pattern, options);
  return { matches: (way, effort) => matchesWay(parts, way, options.dot, effort) };
}

function partsOf(pattern: string, options: SegmentOptions): Part[] {
  const names = pattern.split("/").filter((name) => name !== "" && name !== ".");
  const parts: Part[] = [];
  for (const name of names) {
    if (!/^\*\*+$/.test(name)) parts.push(parseSegment(name, options));
    else if (parts.at(-1) !== ANY_FOLDERS) parts.push(ANY_FOLDERS);
  }
  // `a/**` is what is in `a`, and not `a` itself.
  return parts.at(-1) === ANY_FOLDERS ? [...parts, parseSegment("*", options)] : parts;
}

/** A mismatch gives the last `**` one name more: no earlier one could do better. */
function matchesWay(
  parts: readonly Part[],
  way: readonly string[],
  dot: boolean,
  effort: Effort,
): boolean {
  let at = 0;
  let part = 0;
  let retry: { at: number; part: number } | undefined;
  while (at < way.length || part < parts.length) {
    const wanted = parts[part];
    const name = way[at];
    if (wanted === ANY_FOLDERS) {
      retry = { at, part: ++part };
    } else if (wanted !== undefined && name !== undefined && wanted.matches(name, effort)) {
      at++;
      part++;
    } else {
      const passed = retry && way[retry.at];
      if (!retry || passed === undefined || (!dot && passed.startsWith("."))) return false;
      retry.at++;
      ({ at, part } = retry);
    }
  }
  return true;
}

/** Where the first character stands that means something in a pattern; -1 where none does. */
export function firstMagic(pattern: string): number {
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "\\") at++;
    else if (character === "*" || character === "?") return at;
    else if (character === "[" && endOfClass(pattern, at) !== undefined) return at;
    else if (character === "{" && bracesAt(pattern, at)) return at;
    else if (groupAt(pattern, at)) return at;
  }
  return -1;
}
