import { isAbsolute, join } from "node:path";
import { cleanValue } from "./raw.ts";
import type { Surroundings } from "./values.ts";

/** Where people look for what they were given, as most platforms call it. */
const USUAL = ["Desktop", "Downloads", "Pictures"] as const;

/**
 * The folders of the user's own that this platform shows them: desktop, downloads and pictures.
 * They need not be there.
 */
export function userFolders(
  { platform, env, readFile }: Pick<Surroundings, "platform" | "env" | "readFile">,
  homeDir: string,
): string[] {
  if (platform === "darwin") return USUAL.map((name) => join(homeDir, name));
  if (platform === "win32") {
    const profile = cleanValue(env["USERPROFILE"]) ?? homeDir;
    // Where it keeps them in the cloud, it leads them away from the profile.
    const cloud = cleanValue(env["OneDrive"]);
    const homes = cloud === undefined ? [profile] : [cloud, profile];
    return homes.flatMap((home) => USUAL.map((name) => join(home, name)));
  }
  const config = cleanValue(env["XDG_CONFIG_HOME"]) ?? join(homeDir, ".config");
  const named = namedFolders(config, homeDir, readFile);
  return USUAL.map((name) => named.get(variableOf(name)) ?? join(homeDir, name));
}

function variableOf(name: (typeof USUAL)[number]): string {
  return name === "Downloads" ? "DOWNLOAD" : name.toUpperCase();
}

/** What `user-dirs.dirs` names, in the user's language. */
function namedFolders(
  config: string,
  homeDir: string,
  readFile: (path: string) => string,
): Map<string, string> {
  let text = "";
  try {
    text = readFile(join(config, "user-dirs.dirs"));
  } catch {
    // Most servers and some desktops have none.
  }
  const lines = text.matchAll(/^[ \t]*XDG_([A-Z]+)_DIR[ \t]*=[ \t]*"((?:\\.|[^"\\\n])*)"/gm);
  return new Map(
    [...lines].flatMap(([, name = "", quoted = ""]) => {
      const given = quoted.replaceAll(/\\(.)/g, "$1");
      const path = given.replace(/^\$HOME(?=\/|$)/, () => homeDir);
      return isAbsolute(path) ? [[name, path] as const] : [];
    }),
  );
}
