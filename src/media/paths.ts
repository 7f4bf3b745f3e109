import { platform, release } from "node:os";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";

/** How many folders an error names. */
const NAMED_FOLDERS = 5;
/** No system opens a longer one, Windows apart. */
const MAX_PATH_BYTES = platform() === "win32" ? 32_767 : 4_095;
/** Where chat applications keep what is uploaded to them, in machines of their own. */
const UPLOADS = /^\/mnt\/(?:user-data|data)(?=\/|$)/;

/** What relative paths and `~` refer to. Absolute. */
export interface Surrounding {
  workingDir: string;
  homeDir: string;
}

/**
 * What a caller's path means: absolute, relative, `~/…`, `$HOME/…` or a `file://` URL.
 * @throws {invalid_input} for what names no file of this machine.
 */
export function absolutePath(path: string, { homeDir, workingDir }: Surrounding): string {
  if (path.length > MAX_PATH_BYTES || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new AppError(
      "invalid_input",
      `A path has more than ${MAX_PATH_BYTES} bytes: ${oneLine(path, 80)}`,
    );
  }
  const local = withoutScheme(path.replace(/^sandbox:(?=\/)/i, ""));
  if (local.includes("\0")) throw new AppError("invalid_input", "A path has a NUL character.");
  if (sep === "/") refuseWindowsPath(local);
  const expanded = local.replace(
    /^(?:~|\$HOME|\$\{HOME\}|%USERPROFILE%)(?=$|[/\\])/,
    () => homeDir,
  );
  return isAbsolute(expanded) ? resolve(expanded) : resolve(workingDir, expanded);
}

function withoutScheme(path: string): string {
  if (/^file:\/\//i.test(path)) {
    try {
      // What follows these characters belongs to the name: hardly anyone writes them as %23 and %3F.
      return fileURLToPath(path.replaceAll("#", "%23").replaceAll("?", "%3F"));
    } catch (error) {
      throw new AppError("invalid_input", `${oneLine(path)} names no file of this machine.`, {
        cause: error,
        next: "Write it as file:///absolute/path, or as a plain path.",
      });
    }
  }
  const scheme = /^([a-z][a-z0-9+.-]+:\/\/|(?:data|blob|sandbox):)/i.exec(path)?.[1];
  if (scheme === undefined) return path;
  throw new AppError(
    "invalid_input",
    `${oneLine(path)} is no path: \`${oneLine(scheme, 40)}\` cannot be used here.`,
    { next: "Give a path on this machine, or a file:// URL of one." },
  );
}

function refuseWindowsPath(path: string): void {
  if (!/^(?:[a-z]:[\\/]|\\\\)/i.test(path)) return;
  const here = pathUnderWsl(path);
  const isWsl = /microsoft/i.test(release());
  throw new AppError(
    "invalid_input",
    `${oneLine(path)} is a Windows path, and this program runs under ${isWsl ? "WSL" : platform()}.`,
    {
      next:
        isWsl && here !== undefined
          ? `Here it is ${oneLine(here)}.`
          : "Give the path as this system writes it, with / between folders.",
    },
  );
}

/** What a Windows path is called inside WSL, as it is set up by default. */
export function pathUnderWsl(path: string): string | undefined {
  const [, drive, below] = /^([a-z]):[\\/](.*)$/is.exec(path) ?? [];
  if (drive !== undefined) {
    return `/mnt/${drive.toLowerCase()}/${below ?? ""}`.replaceAll("\\", "/");
  }
  const [, own] = /^\\\\wsl(?:\$|\.localhost)\\[^\\]+(\\.*)$/is.exec(path) ?? [];
  return own?.replaceAll("\\", "/");
}

/** Whether a path looks like an upload of a chat application rather than a file of this machine. */
export function isUpload(path: string): boolean {
  return UPLOADS.test(path);
}

/** Whether `path` is `folder` or lies in it; both absolute, compared as they are written. */
export function isInside(folder: string, path: string): boolean {
  // What is usual is found without taking the paths apart.
  if (path.startsWith(folder + sep) || path === folder) return true;
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !/^\.\.[/\\]/.test(way) && !isAbsolute(way));
}

/** Folders, for an error that says which ones there are. */
export function shownFolders(folders: readonly string[], most = NAMED_FOLDERS): string {
  const more = folders.length - most;
  const shown = folders.slice(0, most).map((folder) => oneLine(folder));
  return shown.join(" or ") + (more > 0 ? ` (and ${more} more)` : "");
}
