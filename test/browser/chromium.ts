import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where Debian's packages put it. */
const PLACES = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
];

/** Starts the browser of this machine. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      "No Chromium was found: install Debian's chromium-headless-shell, or name one in CHROMIUM_PATH.",
    );
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}
