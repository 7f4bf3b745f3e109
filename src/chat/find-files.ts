import type { Dirent } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import {
  allowanceOf,
  allowedFolder,
  closureOf,
  type Places,
  realOrSame,
} from "../media/allowed-files.ts";
import { absolutePath, isInside } from "../media/paths.ts";
import { Effort } from "./effort.ts";
import { IgnoreRules } from "./ignore-rules.ts";
import {
  type LeftOut,
  leftOutBy,
  matcherOf,
  sortPatterns,
  splitPattern,
  wayTo,
} from "./patterns.ts";

const MAX_FILES = 5_000;
/** How many entries of folders one pattern goes through. */
const MAX_ENTRIES = MAX_FILES * 20;
const MAX_DEPTH = 100;
/** What reading one entry of a folder takes, in the steps of {@link Effort}. */
const STEPS_AN_ENTRY = 4_000;
/** Never looked into unless a pattern names them. */
const SKIPPED = ["node_modules", ".git"];

export interface FoundFile {
  path: string;
  /** What the model is told it is called. */
  name: string;
  /** Named itself rather than by a pattern; then it must be usable. */
  isExplicit: boolean;
  sizeBytes: number;
}

/**
 * The files that paths, folders and glob patterns name, in the order given, each once. What
 * `.gitignore` files leave out is left out, unless it is named itself; links to other folders are
 * not followed. What patterns with a leading `!` match is left out wherever they stand, a folder
 * with all below it.
 * @throws {invalid_input} for a pattern without a file, or outside the allowed folders, and when
 *   the patterns with a leading `!` leave nothing
 */
export async function findFiles(
  patterns: readonly string[],
  places: Places,
  effort = new Effort(),
): Promise<FoundFile[]> {
  const { wanted, unwanted } = sortPatterns(patterns);
  if (unwanted.length > 0 && wanted.length === 0) {
    throw new AppError("invalid_input", "`files` has only patterns with a leading `!`.", {
      next: "They leave out what others name. Add a path, folder or pattern that names files; nothing was sent.",
    });
  }
  const leftOut = await leftOutBy(unwanted, places, effort);
  const found = new Map<string, FoundFile>();
  for (const pattern of wanted) {
    for (const file of await findOne(pattern, leftOut, places, effort)) {
      if (!found.has(file.path)) found.set(file.path, file);
      if (found.size > MAX_FILES) {
        throw new AppError("invalid_input", `\`files\` names more than ${MAX_FILES} files.`, {
          next: "Name fewer with a narrower pattern; nothing was sent.",
        });
      }
    }
  }
  if (found.size === 0 && unwanted.length > 0) {
    throw new AppError("invalid_input", "The patterns with a leading `!` leave out every file.", {
      next: "Narrow them, or name other files; nothing was sent.",
    });
  }
  return [...found.values()];
}

async function findOne(
  pattern: string,
  leftOut: LeftOut,
  places: Places,
  effort: Effort,
): Promise<FoundFile[]> {
  const whole = absolutePath(pattern, places);
  // A name may hold characters that mean something in a pattern.
  const itself = await stat(whole).catch(() => undefined);
  const found = itself?.isDirectory() ? { base: whole, glob: "**" } : undefined;
  const { base, glob } =
    found ?? (itself ? { base: whole, glob: "" } : splitPattern(pattern, places));
  // Whether it is there and may be read is found out when it is opened.
  if (glob === "") {
    if (await isLeftOutItself(whole, leftOut, places)) return [];
    const sizeBytes = itself?.size ?? 0;
    return [{ path: whole, name: nameOf(whole, places), isExplicit: true, sizeBytes }];
  }
  const skipped = SKIPPED.filter((name) => !pattern.includes(name));
  const { files, isAnyLeftOut } = await findBelow(base, glob, skipped, leftOut, places, effort);
  // That it finds only what is left out on purpose is no mistake.
  if (files.length > 0 || isAnyLeftOut) return files;
  throw new AppError("invalid_input", `${oneLine(pattern)} matches no file.`, {
    next: "Correct the path or the pattern; hidden and git-ignored files count only when they are named themselves. Nothing was sent.",
  });
}

async function findBelow(
  base: string,
  glob: string,
  skipped: readonly string[],
  leftOut: LeftOut,
  places: Places,
  effort: Effort,
): Promise<{ files: FoundFile[]; isAnyLeftOut: boolean }> {
  const wanted = matcherOf(glob, false);
  const root = await allowedFolder(base, places);
  const files: FoundFile[] = [];
  // By the links that the pattern went through.
  const named = (path: string) => join(base, path.slice(root.length));
  let isAnyLeftOut = false;
  const isClosed = await closureOf(places);
  const isLeftOut = (path: string) => {
    if (isClosed(path)) return true;
    const isSo = leftOut.has(path) || (base !== root && leftOut.has(named(path)));
    isAnyLeftOut ||= isSo;
    return isSo;
  };
  const rules = await IgnoreRules.of(root, places, effort);
  for await (const path of walk(root, rules, skipped, isLeftOut, effort)) {
    if (!wanted.matches(wayTo(path, root), effort) || isLeftOut(path)) continue;
    const { size } = await lstat(path);
    const name = nameOf(named(path), places);
    files.push({ path, name, isExplicit: false, sizeBytes: size });
  }
  return { files, isAnyLeftOut };
}

/** Also by where it leads, unless that lies outside: nothing is told of such places. */
async function isLeftOutItself(path: string, leftOut: LeftOut, places: Places): Promise<boolean> {
  if (leftOut.has(path)) return true;
  const [real, isAllowed] = await Promise.all([realOrSame(path), allowanceOf(places)]);
  return isAllowed(real) && leftOut.has(real);
}

function nameOf(path: string, { workingDir, allowedDirs }: Places): string {
  const folder = [workingDir, ...allowedDirs].find((dir) => dir !== path && isInside(dir, path));
  return folder === undefined ? basename(path) : wayTo(path, folder).join("/");
}

/** All regular files below a folder, sorted, without entering what is ignored or left out. */
async function* walk(
  folder: string,
  rules: IgnoreRules,
  skipped: readonly string[],
  isLeftOut: (path: string) => boolean,
  effort: Effort,
): AsyncGenerator<string> {
  let room = MAX_ENTRIES;
  const open = async (dir: string) => {
    const entries = await entriesOf(dir, room, effort);
    room -= entries.length;
    if (room >= 0) return { dir, entries, next: 0 };
    throw new AppError(
      "invalid_input",
      `${oneLine(folder)} holds too many files to look through.`,
      {
        next: "Name a folder or pattern further down; nothing was sent.",
      },
    );
  };
  const way = [await open(folder)];
  for (let here = way.at(-1); here; here = way.at(-1)) {
    const entry = here.entries[here.next++];
    if (!entry) {
      way.pop();
      continue;
    }
    await effort.pause();
    const path = join(here.dir, entry.name);
    if (entry.isDirectory()) {
      if (entry.name.startsWith(".") || skipped.includes(entry.name)) continue;
      if ((await rules.ignores(path, true)) || isLeftOut(path + sep)) continue;
      if (way.length >= MAX_DEPTH) {
        throw new AppError(
          "invalid_input",
          `${oneLine(folder)} holds folders that are nested more than ${MAX_DEPTH} deep.`,
          { next: "Leave them out with a leading !, or name others; nothing was sent." },
        );
      }
      way.push(await open(path));
    } else if (entry.isFile() && !(await rules.ignores(path, false))) {
      yield path;
    }
  }
}

/** At most one more than there is room for, sorted; nothing where a folder cannot be read. */
async function entriesOf(dir: string, room: number, effort: Effort): Promise<Dirent[]> {
  const list: Dirent[] = [];
  const folder = await opendir(dir, { bufferSize: 256 }).catch(() => undefined);
  if (!folder) return [];
  try {
    for (let one = await folder.read(); one !== null; one = await folder.read()) {
      effort.spend(STEPS_AN_ENTRY);
      list.push(one);
      if (list.length > room) break;
    }
  } finally {
    await folder.close();
  }
  return list.sort((a, b) => (a.name < b.name ? -1 : 1));
}
