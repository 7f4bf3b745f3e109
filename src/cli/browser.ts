import { spawn } from "node:child_process";
import { type Clock, systemClock } from "../core/clock.ts";

/** What fails says so within a moment; what goes on by then has opened something. */
const FAILS_WITHIN_MS = 1_500;

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

/** Whether there is a screen that a browser could open on: without one, some open in a terminal. */
export function hasScreen(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (platform === "darwin" || platform === "win32") return true;
  return Boolean(env["DISPLAY"] || env["WAYLAND_DISPLAY"]);
}

/**
 * Asks the platform to open an address.
 * @param env where what opens it is found, and knows its screen from.
 * @returns whether it has taken it; never throws.
 */
export function openInBrowser(
  url: string,
  clock: Clock = systemClock,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const { command, args } = browserCommand(process.platform, url);
  if (!hasScreen(process.platform, env)) return Promise.resolve(false);
  return new Promise((resolve) => {
    try {
      // Nothing of what it says may come onto a stdout that speaks MCP.
      const child = spawn(command, args, { stdio: "ignore", detached: true, env });
      child.unref();
      const callOff = clock.schedule(FAILS_WITHIN_MS, () => resolve(true));
      const is = (opened: boolean) => {
        callOff();
        resolve(opened);
      };
      child.once("error", () => is(false));
      child.once("exit", (code) => is(code === 0));
    } catch {
      resolve(false);
    }
  });
}
