import { basename, delimiter, dirname } from "node:path";
import { quoted } from "../core/program.ts";

export interface StartFacts {
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  /** The running Node. */
  execPath: string;
  /** The script as it was named, not what a link leads to. */
  script: string;
}

const OF_PROJECT = /[/\\]node_modules[/\\]\.bin$/;

/**
 * The words that start this program again, from any folder: what a user can type. A package runner
 * keeps the program in a cache of its own, whose path is no name for it.
 */
export function startWords({ env, platform, execPath, script }: StartFacts): string {
  if (/[/\\]_npx[/\\]/.test(script)) return "npx longcat-mcp";
  const searched = (env["PATH"] ?? env["Path"] ?? "").split(delimiter);
  const name = basename(script).replace(/\.(?:cmd|exe)$/i, "");
  if (name === "longcat-mcp") {
    // Package runners put a project's own programs on the path, where no shell finds them later.
    const isFound = searched.includes(dirname(script)) && !OF_PROJECT.test(dirname(script));
    return isFound ? name : quoted(script, platform);
  }
  // A host may run the program with a Node of its own inside: then the user's must do.
  const isNode = /^node(?:js)?(?:\.exe)?$/i.test(basename(execPath));
  const node =
    isNode && !searched.includes(dirname(execPath)) ? quoted(execPath, platform) : "node";
  return `${node} ${quoted(script, platform)}`;
}
