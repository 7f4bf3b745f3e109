import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { HOST_NAMES } from "../../src/settings/commands.ts";
import { Bench, TEST_KEY } from "../e2e/harness.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
  await mkdir(bench.homeDir, { recursive: true });
});

afterEach(() => bench.close());

async function contents(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const rows = names.map(async (name): Promise<[string, string]> => {
    return [name, await readFile(join(folder, name), "utf8").catch(() => "a folder")];
  });
  return Object.fromEntries(await Promise.all(rows));
}

const entrySchema = z.looseObject({
  command: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});

/** Starts what a host's file says, as a host does, and has it make a picture. */
async function startedAs(file: string) {
  const { mcpServers } = z
    .object({ mcpServers: z.object({ longcat: entrySchema }) })
    .parse(JSON.parse(file));
  const { command, args, env } = mcpServers.longcat;
  const client = new Client({ name: "host", version: "1" });
  await client.connect(
    new StdioClientTransport({ command, args, env: { ...env, HOME: bench.homeDir }, cwd: "/" }),
  );
  const result = await client.callTool({
    name: "qwen_image_generate",
    arguments: { prompt: "A quiet harbour" },
  });
  await client.close();
  return result;
}

test("an entry, started as it says, is the server, with the keys of the files that it names", async () => {
  const installed = await bench.run(["install", "cursor"]);
  expect(installed).toMatchObject({ code: 0, stderr: "" });
  const file = await readFile(join(bench.homeDir, ".cursor", "mcp.json"), "utf8");
  expect(file + installed.stdout).not.toContain(TEST_KEY);
  const result = await startedAs(file);
  expect(result.isError).toBeFalsy();
  expect(bench.posts).toBe(1);
});

test("a dry run writes nothing; of the sandbox the entry needs no key, and buys nothing", async () => {
  const dry = await bench.run(["install", "cursor", "--sandbox", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, stderr: "" });
  expect(dry.stdout).toMatch(/^Dry run[\s\S]*"--sandbox"/);
  expect(await contents(bench.homeDir)).toEqual({});
  expect(await contents(bench.dataDir)).toEqual({});
  const added = await bench.run(["install", "cursor", "--sandbox"]);
  expect(added).toMatchObject({ code: 0, stderr: "" });
  const file = await readFile(join(bench.homeDir, ".cursor", "mcp.json"), "utf8");
  expect(file).not.toContain("API_KEY");
  expect(Object.keys(await contents(bench.dataDir)).join()).not.toContain("keys");
  const { isError = false, content } = await startedAs(file);
  expect([isError, JSON.stringify(content).includes("SANDBOX"), bench.posts]).toEqual([
    false,
    true,
    0,
  ]);
  expect(await bench.run(["uninstall", "cursor"])).toMatchObject({ code: 0, stderr: "" });
  expect(await contents(join(bench.homeDir, ".cursor"))).toEqual({});
});

test("all hosts have it, doctor says so, and all are as before once it is taken out", async () => {
  const cursor = join(bench.homeDir, ".cursor");
  await mkdir(cursor, { recursive: true });
  await writeFile(join(cursor, "mcp.json"), '{\n  // mine\n  "mcpServers": { "a": {} }\n}');
  const before = { home: await contents(bench.homeDir), data: await contents(bench.dataDir) };
  for (const name of HOST_NAMES) {
    expect(await bench.run(["install", name])).toMatchObject({ code: 0, stderr: "" });
  }
  const { stdout } = await bench.run(["doctor"]);
  expect(stdout).toContain(`hosts            ${HOST_NAMES.join(", ")}\n`);
  const held = Object.entries(await contents(bench.homeDir)).filter(([, text]) =>
    text.includes(TEST_KEY),
  );
  expect(held).toEqual([]);
  for (const name of HOST_NAMES) {
    expect(await bench.run(["uninstall", name])).toMatchObject({ code: 0, stderr: "" });
  }
  const files = (of: Record<string, string>) =>
    Object.entries(of).filter(([, text]) => text !== "a folder");
  expect(files(await contents(bench.homeDir))).toEqual(files(before.home));
  expect(files(await contents(bench.dataDir))).toEqual(files(before.data));
});

test("a wrong word says which are right, and changes nothing", async () => {
  const { code, stderr } = await bench.run(["install", "cursr"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/"cursr" is no host .* Did you mean cursor\? There are claude-desktop,/);
  expect(await bench.run(["install"])).toMatchObject({ code: 2 });
  expect(await bench.run(["install", "cursor", "vscode"])).toMatchObject({ code: 2 });
  expect(await contents(bench.homeDir)).toEqual({});
});

/** Types at a terminal, each answer after what asks for it. */
async function typed(args: string[], answers: readonly [asked: string, answer: string][]) {
  const words = [process.execPath, "dist/cli.js", ...args].join(" ");
  const terminal = spawn("script", ["-qec", words, "/dev/null"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: bench.homeDir,
      LONGCAT_MCP_DATA_DIR: bench.dataDir,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  const left = [...answers];
  for await (const chunk of terminal.stdout) {
    shown += String(chunk);
    const [asked, answer] = left[0] ?? [];
    if (asked === undefined || !shown.includes(asked)) continue;
    left.shift();
    terminal.stdin.write(answer ?? "");
  }
  return shown;
}

test("keys that are typed are not shown, and kept where only their user reads them", async () => {
  const shown = await typed(
    ["install", "codex"],
    [
      ["PIXAZO_API_KEY, the key", "two words\r"],
      ["Once more", "typed-key-01234x\u007f\r"],
      ["LONGCAT_API_KEY, the key", "\r"],
    ],
  );
  expect(shown).not.toMatch(/typed-key|two words/);
  expect(shown).toMatch(/LONGCAT_API_KEY .* is not set/);
  expect(await readFile(join(bench.dataDir, "keys", "PIXAZO_API_KEY"), "utf8")).toBe(
    "typed-key-01234\n",
  );
  const config = await readFile(join(bench.homeDir, ".codex", "config.toml"), "utf8");
  expect(config).toMatch(/PIXAZO_API_KEY_FILE = "\S+\/keys\/PIXAZO_API_KEY"/);
});

test("a question that is interrupted leaves everything as it was", async () => {
  await typed(["install", "codex"], [["PIXAZO_API_KEY, the key", "\u0003"]]);
  expect(await contents(bench.homeDir)).toEqual({});
  expect(await contents(bench.dataDir)).toEqual({});
});
