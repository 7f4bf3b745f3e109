import { spawn } from "node:child_process";

/** What opens an address in the user's browser, by platform. */
export function browserCommand(
  platform: NodeJS.Platform,
  url: string,
): { command: string; args: string[] } {
  if (platform === "darwin") return { command: "open", args: [url] };
  // An empty title, or it would take the address for one; what the shell reads is escaped.
  if (platform === "win32") {
    return { command: "cmd", args: ["/c", "start", '""', url.replaceAll(/[&^|<>()"%]/g, "^$&")] };
  }
  return { command: "xdg-open", args: [url] };
}

/** Asks the platform to open an address. @returns whether it has taken it; never throws. */
export function openInBrowser(url: string): Promise<boolean> {
  const { command, args } = browserCommand(process.platform, url);
  return new Promise((resolve) => {
    try {
      // Nothing of what it says may come onto a stdout that speaks MCP.
      const child = spawn(command, args, { stdio: "ignore", detached: true });
      child.once("error", () => resolve(false));
      child.once("spawn", () => {
        child.unref();
        resolve(true);
      });
    } catch {
      resolve(false);
    }
  });
}
