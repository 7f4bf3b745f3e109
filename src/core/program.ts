/** How the person whose program this is starts it again. */
export interface Program {
  /** As their shell takes it: `npx longcat-mcp`, `node /opt/longcat-mcp/dist/cli.js`. */
  start: string;
  /** Options that another start needs, to look at the same jobs; may be empty. */
  options: readonly string[];
}

const OWN_COMMAND = /`longcat-mcp ([^`]*)`/g;

/**
 * Advice of ours with its commands as this user can run them. In the source a command is written
 * `longcat-mcp doctor`, between backticks; every text that leaves the program passes here.
 */
export function runnable(advice: string, { start, options }: Program): string {
  return advice.replaceAll(OWN_COMMAND, (_, words: string) => {
    return `\`${[start, words, ...options].join(" ")}\``;
  });
}

/** A word as a shell takes it. */
export function quoted(word: string, platform: NodeJS.Platform): string {
  if (/^[\w@%+=:,./\\~-]+$/.test(word) && (platform === "win32" || !word.includes("\\")))
    return word;
  return platform === "win32" ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
