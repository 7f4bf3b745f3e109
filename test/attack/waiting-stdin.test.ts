import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import { tempDir } from "../support/temp-dir.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
const REVISION = "2025-06-18";
const GREETING = {
  id: 1,
  method: "initialize",
  params: {
    ...{ protocolVersion: REVISION, capabilities: {} },
    clientInfo: { name: "slow", version: "1" },
  },
};

test("a pipe that has nothing to read yet and says so is read when it has", async () => {
  const folder = await tempDir();
  const path = join(folder, "stdin");
  execFileSync("mkfifo", [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  const child = spawn(process.execPath, [CLI], {
    stdio: [readEnd, "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      PIXAZO_API_KEY: TEST_KEY,
      LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    },
  });
  // Node starts its children with pipes that wait. Whoever opens such a pipe makes it one that does
  // not, and for the child as well: it is one pipe, though two have it open.
  const opened = new Socket({ fd: readEnd, readable: false, writable: false });
  const exited = once(child, "exit");
  let shown = "";
  child.stdout?.on("data", (piece) => {
    shown += String(piece);
  });
  const ids = () => shown.split("\n").flatMap((line) => (line ? [JSON.parse(line).id] : []));
  const say = (message: object) =>
    writeSync(writeEnd, `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  try {
    say(GREETING);
    await expect.poll(ids, PATIENTLY).toEqual([1]);
    say({ method: "notifications/initialized" });
    say({ id: 2, method: "tools/list" });
    await expect.poll(ids, PATIENTLY).toEqual([1, 2]);
    say({ id: 3, method: "tools/call", params: { name: "job_list", arguments: {} } });
    await expect.poll(ids, PATIENTLY).toEqual([1, 2, 3]);
  } finally {
    closeSync(writeEnd);
    opened.destroy();
  }
  expect(await exited).toEqual([0, null]);
});
