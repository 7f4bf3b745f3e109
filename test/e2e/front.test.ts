import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tempDir } from "../support/temp-dir.ts";
import { PATIENTLY, TEST_KEY } from "./harness.ts";

const DIST = resolve(import.meta.dirname, "../../dist");
const MODERN = "2026-07-28";

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await tempDir();
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** The front with nothing behind it: whatever it does not answer itself ends it. */
async function frontAlone(): Promise<string> {
  const alone = join(folder, "alone");
  await cp(DIST, alone, { recursive: true });
  await rm(join(alone, "program.cjs"));
  return join(alone, "cli.js");
}

function start(script: string, env: Record<string, string> = {}, words: string[] = []) {
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      PIXAZO_API_KEY: TEST_KEY,
      LONGCAT_MCP_DATA_DIR: join(folder, "data"),
      ...env,
    },
  });
  children.push(child);
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => {
    shown += piece;
  });
  const stdout = once(child.stdout, "end").then(() => shown);
  const ended = once(child, "exit").then(([code]: unknown[]) => code);
  return {
    child,
    /** Sends messages and the end of all. @returns each answer as sent. */
    async converse(messages: object[]) {
      for (const message of messages) child.stdin.write(line(message));
      child.stdin.end();
      return { code: await ended, answers: parsed(await stdout) };
    },
    /** All that it has written when it ends. */
    stdout,
    shown: () => shown,
    ended,
  };
}

const line = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;

function parsed(written: string): Record<string, unknown>[] {
  return written
    .split("\n")
    .filter((one) => one !== "")
    .map((one) => JSON.parse(one));
}

const hello = (id: number, revision: string, client: object, capabilities: object = {}) => [
  {
    id,
    method: "initialize",
    params: { protocolVersion: revision, capabilities, clientInfo: client },
  },
  { method: "notifications/initialized" },
];

const modern = (id: number, method: string, client: object, capabilities: object, more = {}) => ({
  id,
  method,
  params: {
    ...more,
    _meta: {
      "io.modelcontextprotocol/protocolVersion": MODERN,
      "io.modelcontextprotocol/clientInfo": client,
      "io.modelcontextprotocol/clientCapabilities": capabilities,
    },
  },
});

const CLAUDE = { name: "claude-code", title: "Claude Code", version: "2.1.332" };
const CLAUDE_CAN = { roots: { listChanged: true }, elicitation: { form: {}, url: {} } };
const INSPECTOR = { name: "mcp-inspector", version: "0.21.0" };
const LISTEN = { notifications: { toolsListChanged: true, resourcesListChanged: true } };

/** What hosts send first, as far as it is prepared. */
const HOSTS: Record<string, object[]> = {
  "Claude Code, newest revision": [
    modern(0, "server/discover", CLAUDE, CLAUDE_CAN),
    modern(1, "subscriptions/listen", CLAUDE, CLAUDE_CAN, LISTEN),
    modern(2, "server/discover", CLAUDE, CLAUDE_CAN),
    modern(3, "prompts/list", CLAUDE, CLAUDE_CAN),
    modern(4, "tools/list", CLAUDE, CLAUDE_CAN),
  ],
  "Claude Code, by handshake": [
    ...hello(0, "2025-11-25", CLAUDE, CLAUDE_CAN),
    { id: 1, method: "tools/list", params: {} },
  ],
  Codex: [
    ...hello(
      0,
      "2025-06-18",
      { name: "codex-mcp-client", title: "Codex", version: "0.169.0" },
      {
        elicitation: { form: {}, url: {} },
      },
    ),
    { id: 1, method: "tools/list", params: { _meta: { progressToken: 0 } } },
  ],
  "Gemini CLI": [
    ...hello(
      0,
      "2025-11-25",
      { name: "gemini-cli-mcp-client", version: "0.61.0" },
      {
        roots: { listChanged: true },
      },
    ),
    { id: 1, method: "prompts/list" },
    { id: 2, method: "tools/list" },
    { id: 3, method: "ping" },
  ],
  opencode: [
    ...hello(0, "2025-11-25", { name: "opencode", version: "1.18.34" }, { roots: {} }),
    { id: 1, method: "tools/list" },
    { id: 2, method: "prompts/list" },
  ],
  "Inspector, newest revision": [
    modern(1, "server/discover", INSPECTOR, {}),
    modern(2, "subscriptions/listen", INSPECTOR, {}, LISTEN),
    modern(3, "tools/list", INSPECTOR, {}),
  ],
  "a client that was told the revision": [modern(0, "tools/list", INSPECTOR, {})],
};

describe("without the program", () => {
  test.each(Object.entries(HOSTS))("the first messages of %s are answered", async (_, messages) => {
    const { code, answers } = await start(await frontAlone()).converse(messages);
    expect(code).toBe(0);
    for (const message of messages) {
      if (!("id" in message)) continue;
      expect(answers.filter(({ id }) => id === message.id)).toHaveLength(1);
    }
    expect(JSON.stringify(answers)).toContain('"longcat_image_generate"');
    expect(JSON.stringify(answers)).not.toContain('"error"');
  });

  test("a list is not kept waiting by what only the program can answer", async () => {
    const alone = start(await frontAlone());
    const messages = [
      ...hello(0, "2025-11-25", INSPECTOR),
      { id: 1, method: "logging/setLevel", params: { level: "info" } },
      { id: 2, method: "resources/list" },
      { id: 3, method: "tools/list" },
    ];
    alone.child.stdin.write(messages.map(line).join(""));
    expect(await alone.ended).not.toBe(0);
    expect(parsed(await alone.stdout).map(({ id }) => id)).toEqual([0, 3]);
  });

  test("a conversation that comes byte by byte is answered as one that comes whole", async () => {
    const messages = HOSTS["Gemini CLI"] ?? [];
    const whole = await start(await frontAlone()).converse(messages);
    const alone = start(await frontAlone());
    for (const byte of Buffer.from(messages.map(line).join(""))) {
      if (!alone.child.stdin.write(Buffer.from([byte]))) await once(alone.child.stdin, "drain");
    }
    alone.child.stdin.end();
    expect(await alone.ended).toBe(0);
    expect(parsed(await alone.stdout)).toEqual(whole.answers);
  });
});

describe("with the program behind it", () => {
  const call = { id: 9, method: "tools/call", params: { name: "image_models", arguments: {} } };

  test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"])(
    "prepared answers of revision %s are the program's own, to the byte",
    async (revision) => {
      const messages = [
        ...hello(0, revision, INSPECTOR),
        ...["ping", "tools/list", "prompts/list", "resources/templates/list"].map(
          (method, index) => ({ id: index + 1, method }),
        ),
      ];
      // An unusual setting, with which the front answers nothing.
      const env = { LONGCAT_MCP_TOOLSETS: "images,chat" };
      const fronted = start(join(DIST, "cli.js"));
      const alone = start(join(DIST, "cli.js"), env);
      await fronted.converse(messages);
      await alone.converse(messages);
      const lines = async (from: { stdout: Promise<string> }) =>
        (await from.stdout).split("\n").toSorted();
      expect(await lines(fronted)).toEqual(await lines(alone));
      expect(await lines(fronted)).toHaveLength(6);
    },
  );

  test("the program goes on where the front has begun, and says nothing twice", async () => {
    for (const messages of Object.values(HOSTS)) {
      const isModern = JSON.stringify(messages[0]).includes("_meta");
      const last = isModern ? modern(9, "tools/call", CLAUDE, {}, call.params) : call;
      const { code, answers } = await start(join(DIST, "cli.js")).converse([...messages, last]);
      expect(code).toBe(0);
      const ids = answers.flatMap(({ id }) => (id === undefined ? [] : [id]));
      expect(new Set(ids).size).toBe(ids.length);
      const { result } = answers.find(({ id }) => id === 9) ?? {};
      expect(JSON.stringify(result)).toContain("z_image_turbo_generate");
    }
  });

  test("a wrong setting ends the start before anything is said", async () => {
    const wrong = start(join(DIST, "cli.js"), { LONGCAT_MCP_PREVIEWS: "sometimes" });
    const { code, answers } = await wrong.converse(HOSTS["opencode"] ?? []);
    expect(code).toBe(2);
    expect(answers).toEqual([]);
  });

  test("a signal after the list ends it in order", async () => {
    const { child, ended, shown } = start(join(DIST, "cli.js"));
    for (const message of HOSTS["opencode"] ?? []) child.stdin.write(line(message));
    await expect.poll(shown, PATIENTLY).toContain('"prompts"');
    // Its answer comes from whoever hears of signals.
    child.stdin.write(line({ id: 7, method: "ping" }));
    await expect.poll(shown, PATIENTLY).toContain('"id":7');
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe("compiled code", () => {
  const CALL = [
    ...hello(0, "2025-11-25", INSPECTOR),
    { id: 1, method: "tools/call", params: { name: "image_models", arguments: {} } },
  ];
  const cacheDir = () => join(folder, "data", "code-cache");

  async function cached(): Promise<string[]> {
    return readdir(cacheDir()).catch(() => []);
  }

  async function runUntilCached(): Promise<string> {
    const { child, ended } = start(join(DIST, "cli.js"));
    for (const message of CALL) child.stdin.write(line(message));
    await expect.poll(cached, PATIENTLY).toEqual([expect.stringMatching(/^v\d/)]);
    child.stdin.end();
    expect(await ended).toBe(0);
    const [name = ""] = await cached();
    return join(cacheDir(), name);
  }

  test("is kept for this user alone, and what is wrong with it changes nothing", async () => {
    const path = await runUntilCached();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const spoiled = Buffer.alloc(1_000, 7);
    await writeFile(path, spoiled);
    const { code, answers } = await start(join(DIST, "cli.js")).converse(CALL);
    expect(code).toBe(0);
    expect(answers).toHaveLength(2);
    await rm(path);
    await runUntilCached();
  });

  test("that others could have written is not run", async () => {
    const path = await runUntilCached();
    await chmod(path, 0o666);
    const { mtimeMs } = await stat(path);
    const { child, ended } = start(join(DIST, "cli.js"));
    for (const message of CALL) child.stdin.write(line(message));
    await expect.poll(async () => (await stat(path)).mode & 0o777, PATIENTLY).toBe(0o600);
    child.stdin.end();
    await ended;
    expect((await stat(path)).mtimeMs).not.toBe(mtimeMs);
  });

  test("is not kept where the user wants none", async () => {
    const env = { LONGCAT_MCP_CODE_CACHE: "off" };
    const { code, answers } = await start(join(DIST, "cli.js"), env).converse(CALL);
    expect(code).toBe(0);
    expect(answers).toHaveLength(2);
    expect(await cached()).toEqual([]);
  });
});
