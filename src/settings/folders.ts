import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { oneLine } from "../core/text.ts";
import { cleanValue, isUnfilled } from "./raw.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where finished files are kept unless a setting says otherwise, below the home folder. */
export const OUTPUT_FOLDER = ["Pictures", "longcat-mcp"] as const;

/** The user's home folder. */
export function homeOf(env: Environment): string {
  return cleanValue(env["HOME"]) ?? cleanValue(env["USERPROFILE"]) ?? homedir();
}

const HOME_WORD = /\$HOME\b|\$\{HOME\}/g;

/** A folder as somebody wrote it, in full: `~` and `$HOME` stand for the home folder. */
export function expandFolder(path: string, homeDir: string, workingDir: string): string {
  const expanded = path
    .trim()
    .replace(/^~(?=$|[/\\])/, homeDir)
    .replaceAll(HOME_WORD, homeDir);
  return isAbsolute(expanded) ? resolve(expanded) : resolve(workingDir, expanded);
}

/** Where the platform keeps the data of applications. */
export function defaultDataDir(
  platform: NodeJS.Platform,
  env: Environment,
  homeDir: string,
): string {
  if (platform === "darwin") return join(homeDir, "Library", "Application Support", "longcat-mcp");
  if (platform === "win32") {
    return join(
      cleanValue(env["LOCALAPPDATA"]) ?? join(homeDir, "AppData", "Local"),
      "longcat-mcp",
    );
  }
  return join(cleanValue(env["XDG_DATA_HOME"]) ?? join(homeDir, ".local", "share"), "longcat-mcp");
}

/** The folders in a list; a delimiter inside of what a host left unfilled divides nothing. */
export function splitFolders(list: string): string[] {
  const folder = new RegExp(`(?:\\$\\{[^}]*\\}|[^${delimiter}])+`, "g");
  return (list.match(folder) ?? []).flatMap((path) => cleanValue(path) ?? []);
}

/** Whether a folder holds something that its host was to fill in. */
export function isUnfilledFolder(path: string): boolean {
  return isUnfilled(path.replaceAll(HOME_WORD, "~"));
}

/** What is to be said of an input folder that is not there. */
export function missingFolder(name: string, path: string): string {
  const wrong = [",", ";", ":", "\n"].find(
    (one) => one !== delimiter && path.slice(3).includes(one),
  );
  const hint =
    wrong === undefined
      ? ""
      : ` Several are separated by "${delimiter}" here, not by ${wrong === "\n" ? "a new line" : `"${wrong}"`}.`;
  return `${name} names ${oneLine(path)}, which is not a folder.${hint}`;
}
