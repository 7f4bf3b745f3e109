import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
/** What the built program is compiled to, by every version of Node that tests have run on. */
const KEPT = join(root, "node_modules/.cache/longcat-mcp/compiled");
/** Where the program looks for it, in its data folder. */
const FOLDER = "code-cache";

/** Lets the built program compile itself once, unless it has. */
export function compileAhead(): void {
  const program = readFileSync(join(root, "dist/program.cjs"));
  const digest = createHash("sha256").update(program).digest("hex").slice(0, 16);
  const known = ofThisNode();
  if (known.length === 1 && known[0]?.endsWith(digest)) return;
  for (const name of known) rmSync(join(KEPT, name), { force: true });
  execFileSync(process.execPath, ["test/support/keep-compiled.mjs", KEPT], {
    cwd: root,
    stdio: "inherit",
  });
}

/** A data folder as after a first start, as far as compiled code goes: a start takes half as long. */
export function giveCompiled(dataDir: string): void {
  const names = ofThisNode();
  if (names.length === 0) return;
  mkdirSync(join(dataDir, FOLDER), { recursive: true, mode: 0o700 });
  for (const name of names) copyFileSync(join(KEPT, name), join(dataDir, FOLDER, name));
}

function ofThisNode(): string[] {
  mkdirSync(KEPT, { recursive: true });
  return readdirSync(KEPT).filter((name) => name.startsWith(`${process.version}-${process.arch}-`));
}
