// Keeps what V8 has compiled of the built program once it has bought a picture of its own sandbox:
// `node test/support/keep-compiled.mjs <folder>`. Programs under test start from it, as a user's does
// from the second time on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [target = ""] = process.argv.slice(2);
const PAUSE_MS = 50;
const folder = mkdtempSync(join(tmpdir(), "longcat-mcp-compiled-"));
const kept = join(folder, "sandbox", "code-cache");
const client = { name: "compiling", version: "1.0.0" };
const messages = [
  ["initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: client }],
  ["tools/list", {}],
  ["tools/call", { name: "job_list", arguments: {} }],
  [
    "tools/call",
    {
      name: "z_image_turbo_generate",
      arguments: { prompt: "A cat", image_size: "square_1_1" },
    },
  ],
];
const program = spawn(process.execPath, [resolve("dist/cli.js"), "--sandbox"], {
  cwd: folder,
  env: {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    LONGCAT_MCP_DATA_DIR: folder,
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "pictures"),
    LONGCAT_MCP_SANDBOX_SPEED: "100",
  },
  stdio: ["pipe", "ignore", "inherit"],
});
try {
  for (const [at, [method, params]] of messages.entries()) {
    program.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: at, method, params })}\n`);
  }
  const done = () => existsSync(kept) && readdirSync(kept).find((name) => !name.startsWith("."));
  while (!done() && program.exitCode === null) await pause(PAUSE_MS);
  const name = done();
  if (!name) throw new Error("The program ended before it had kept what it is compiled to.");
  mkdirSync(target, { recursive: true });
  // Whole or not at all: others may be looking.
  const aside = join(target, `.${process.pid}`);
  copyFileSync(join(kept, name), aside);
  renameSync(aside, join(target, name));
} finally {
  program.kill("SIGKILL");
  if (program.exitCode === null && program.signalCode === null) await once(program, "close");
  rmSync(folder, { recursive: true, force: true });
}
