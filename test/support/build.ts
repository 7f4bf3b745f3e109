import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { compileAhead } from "./compiled.ts";

const root = resolve(import.meta.dirname, "../..");

/** Builds the program if any source is newer than the bundle, and compiles what is new. */
export function setup(): void {
  const sources = [
    "package.json",
    ...["build", "build-page", "escaped", "mended-driver", "prepare-answers"].map(
      (name) => `scripts/${name}.mjs`,
    ),
    ...filesBelow("src"),
  ];
  if (newest(sources) > newest(["dist/cli.js"])) {
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: root, stdio: "inherit" });
  }
  compileAhead();
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function newest(paths: readonly string[]): number {
  const times = paths.map(
    (path) => statSync(resolve(root, path), { throwIfNoEntry: false })?.mtimeMs,
  );
  return Math.max(...times.map((time) => time ?? 0));
}
