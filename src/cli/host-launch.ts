import { delimiter, join } from "node:path";
import { AppError } from "../core/errors.ts";
import { createRedact } from "../core/redact.ts";
import { expandFolder, homeOf, splitFolders } from "../settings/folders.ts";
import { cleanValue } from "../settings/raw.ts";
import { SETTINGS, type SettingSpec } from "../settings/specs.ts";
import type { Surroundings } from "../settings/values.ts";

export interface LaunchFacts {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  /** The running Node. */
  execPath: string;
  /** The script as it was named. */
  script: string;
  /** The folder of this package. */
  packageDir: string;
  /** What a path leads to in the end. @throws when it leads nowhere. */
  realPath: (path: string) => string;
}

/** The words with which a host starts this program, from any folder and with any search path. */
export function hostCommand(facts: LaunchFacts): { command: string; args: string[] } {
  const { platform, script, packageDir } = facts;
  if (/[/\\]_npx[/\\]/.test(script)) {
    const words = ["npx", "-y", "longcat-mcp"];
    // There it is a script, which most programs cannot start.
    const [command = "", ...args] = platform === "win32" ? ["cmd", "/c", ...words] : words;
    return { command, args };
  }
  return { command: nodePath(facts), args: [join(packageDir, "dist", "cli.js")] };
}

/**
 * Node by a name that outlives its next version where there is one: what the search path has is
 * often a link into a folder that is named by the version.
 */
function nodePath({ platform, env, execPath, realPath }: LaunchFacts): string {
  const isNode = /node(?:js)?(?:\.exe)?$/i.test(execPath);
  const name = platform === "win32" ? "node.exe" : "node";
  const folders = (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter((one) => one !== "");
  const candidates = folders.map((folder) => join(folder, name));
  const same = candidates.find((path) => {
    try {
      return realPath(path) === realPath(execPath);
    } catch {
      return false;
    }
  });
  return same ?? (isNode ? execPath : "node");
}

const specs: readonly SettingSpec[] = Object.values(SETTINGS);

/**
 * What is set here besides keys, so that a host's program is set the same: a budget that only a
 * shell knows would guard nothing there.
 * @param secrets what must not be among it
 * @throws {configuration} where it is
 */
export function carriedSettings(
  { env, flags, workingDir }: Pick<Surroundings, "env" | "flags" | "workingDir">,
  secrets: readonly (string | undefined)[],
): Record<string, string> {
  const redact = createRedact(secrets);
  const homeDir = homeOf(env);
  const carried = specs
    .filter(({ secret, commands }) => !secret && (commands?.includes("stdio") ?? true))
    .filter((spec) => spec.env !== SETTINGS.sandbox.env)
    .flatMap((spec): [string, string][] => {
      const flag = spec.flag === undefined ? undefined : cleanValue(flags[spec.flag]);
      const value = flag ?? cleanValue(env[spec.env]);
      if (value === undefined) return [];
      if (redact(value) !== value) {
        throw new AppError("configuration", `${spec.env} has an API key in it.`, {
          next: "Take it out; nothing was changed.",
        });
      }
      const whole = (path: string) => expandFolder(path, homeDir, workingDir);
      const several = (list: string) =>
        splitFolders(list)
          .map((path) => (path.toLowerCase() === "none" ? path : whole(path)))
          .join(delimiter);
      const inFull = { one: whole, several } as const;
      return [[spec.env, spec.folder ? inFull[spec.folder](value) : value]];
    });
  return Object.fromEntries(carried);
}
