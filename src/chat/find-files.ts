import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import picomatch from "picomatch";
import { AppError } from "../core/errors.ts";
import { absolutePath, allowedFolder, isInside, type Places } from "../media/files.ts";
import { IgnoreRules } from "./ignore-rules.ts";
import { wayTo } from "./patterns.ts";

const MAX_FILES = 5_000;
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
 * not followed.
 * @throws {invalid_input} for a pattern without a file, or outside the allowed folders
 */
export async function findFiles(patterns: readonly string[], places: Places): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const pattern of patterns) {
    for (const file of await findOne(pattern.trim(), places)) {
      if (!found.has(file.path)) found.set(file.path, file);
      if (found.size > MAX_FILES) {
        throw new AppError("invalid_input", `\`files\` names more than ${MAX_FILES} files.`, {
          next: "Name fewer with a narrower pattern; nothing was sent.",
        });
      }
    }
  }
  return [...found.values()];
}

async function findOne(pattern: string, places: Places): Promise<FoundFile[]> {
  const whole = absolutePath(pattern, places);
  // A name may hold characters that mean something in a pattern.
  const itself = await stat(whole).catch(() => undefined);
  const { base, glob } = itself?.isDirectory()
    ? { base: whole, glob: "**" }
    : split(pattern, places);
  // Whether it is there and may be read is found out when it is opened.
  if ((itself && !itself.isDirectory()) || glob === "") {
    const sizeBytes = itself?.size ?? 0;
    return [{ path: whole, name: nameOf(whole, places), isExplicit: true, sizeBytes }];
  }
  const root = await allowedFolder(base, places);
  const matches = picomatch(glob, { dot: false });
  const skipped = SKIPPED.filter((name) => !pattern.includes(name));
  const files: FoundFile[] = [];
  const rules = await IgnoreRules.of(root, places);
  for await (const path of walk(root, rules, skipped, MAX_FILES * 20)) {
    const way = wayTo(path, root);
    if (!matches(way)) continue;
    const { size } = await lstat(path);
    const name = nameOf(join(base, way), places);
    files.push({ path, name, isExplicit: false, sizeBytes: size });
  }
  if (files.length > 0) return files;
  throw new AppError("invalid_input", `${pattern} matches no file.`, {
    next: "Correct the path or the pattern; hidden and git-ignored files count only when they are named themselves. Nothing was sent.",
  });
}

/** The part of a pattern that is a plain folder, and the rest. */
function split(pattern: string, places: Places): { base: string; glob: string } {
  const { base, glob } = picomatch.scan(pattern);
  return { base: absolutePath(base || ".", places), glob };
}

function nameOf(path: string, { workingDir, allowedDirs }: Places): string {
  const folder = [workingDir, ...allowedDirs].find((dir) => dir !== path && isInside(dir, path));
  return folder === undefined ? basename(path) : wayTo(path, folder);
}

/** All regular files below a folder, sorted, without entering what is ignored. */
async function* walk(
  folder: string,
  rules: IgnoreRules,
  skipped: readonly string[],
  most: number,
): AsyncGenerator<string> {
  let seen = 0;
  const entries = async (dir: string): Promise<Dirent[]> => {
    const list = await readdir(dir, { withFileTypes: true }).catch(() => []);
    return list.sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  const visit = async function* (dir: string): AsyncGenerator<string> {
    for (const entry of await entries(dir)) {
      const path = join(dir, entry.name);
      if (++seen > most) {
        throw new AppError("invalid_input", `${folder} holds too many files to look through.`);
      }
      if (entry.isDirectory()) {
        if (entry.name.startsWith(".") || skipped.includes(entry.name)) continue;
        if (!(await rules.ignores(path, true))) yield* visit(path);
      } else if (entry.isFile() && !(await rules.ignores(path, false))) {
        yield path;
      }
    }
  };
  yield* visit(folder);
}
