import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { AppError } from "../core/errors.ts";
import type { HostPlace } from "../hosts/hosts.ts";
import type { Command } from "../settings/commands.ts";
import type { Surroundings } from "../settings/values.ts";
import { startWords } from "./started.ts";

/** No key is longer; a device that never ends is no key. */
const MAX_KEY_FILE_BYTES = 64 * 1024;
/** Commands that send nothing to anyone but this machine. */
const OFFLINE: readonly Command[] = ["jobs", "users", "audit", "sandbox", "demo", "gallery"];

/** What settings are read from. @throws {configuration} in a folder that is gone */
export function surroundings(
  command: Command,
  flags: Readonly<Record<string, string | undefined>>,
): Surroundings {
  const { platform } = process;
  return {
    env: command === "migrate" ? withTarget(process.env, flags) : process.env,
    flags,
    platform,
    workingDir: workingFolder(),
    start: startOfThis(),
    readFile: readKeyFile,
    isFolder,
    isOffline: OFFLINE.includes(command),
  };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new AppError("configuration", "The folder that longcat-mcp was started in is gone.", {
      cause,
      next: "Start it in another.",
    });
  }
}

/** Where a move goes may be said on its command line as well, and is that command's alone. */
function withTarget(
  env: Surroundings["env"],
  { to, media }: Readonly<Record<string, string | undefined>>,
): Surroundings["env"] {
  const withMedia = media === undefined ? env : { ...env, LONGCAT_MCP_MEDIA_URL: media };
  if (to === undefined) return withMedia;
  const { LONGCAT_MCP_DATABASE_URL_FILE: _, ...others } = withMedia;
  return { ...others, LONGCAT_MCP_DATABASE_URL: to };
}

/** Where hosts' files are looked for. */
export function hostPlace(homeDir: string): HostPlace {
  const { env, platform } = process;
  return { platform, env, homeDir, isThere: existsSync };
}

/** The words that start this program again. */
export function startOfThis(): string {
  const { env, platform, execPath } = process;
  return startWords({ env, platform, execPath, script: process.argv[1] ?? "" });
}

function readKeyFile(path: string): string {
  const file = openSync(path, "r");
  try {
    const room = Buffer.alloc(MAX_KEY_FILE_BYTES);
    let size = 0;
    for (let read = -1; read !== 0 && size < room.length; size += read) {
      read = readSync(file, room, size, room.length - size, null);
    }
    return room.toString("utf8", 0, size);
  } finally {
    closeSync(file);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
