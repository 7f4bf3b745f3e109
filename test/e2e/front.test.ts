import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { firstMessages, PREPARED_METHODS } from "../support/first-messages.ts";
import { tempDir } from "../support/temp-dir.ts";
import { PATIENTLY, TEST_KEY } from "./harness.ts";

const DIST = resolve(import.meta.dirname, "../../dist");
const MODERN = "2026-07-28";
const WATCHING = resolve(import.meta.dirname, "../support/young-room.cjs");
const MIB = 1024 * 1024;

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

function environment(env: Record<string, string>): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    PIXAZO_API_KEY: TEST_KEY,
    LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    ...env,
  };
}

function start(script: string, env: Record<string, string> = {}, words: string[] = []) {
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment(env),
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
    async converse(messages: readonly object[]) {
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

const recordedOf = (name: string) => RECORDED.find((one) => one.name === name)?.messages ?? [];

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

const CLIENT = { name: "a-client", version: "1" };
const CALL = [
  ...hello(0, "2025-11-25", CLIENT),
  { id: 1, method: "tools/call", params: { name: "image_models", arguments: {} } },
];
const RECORDED = firstMessages();
const prepared = (messages: readonly { method: string; id?: string | number | undefined }[]) =>
  messages.filter(({ method, id }) => id === undefined || PREPARED_METHODS.includes(method));

describe("without the program", () => {
  test.each(RECORDED)("what $name says first is answered", async ({ messages }) => {
    const own = prepared(messages);
    const { code, answers } = await start(await frontAlone()).converse(own);
    expect(code).toBe(0);
    for (const { id } of own) {
      if (id !== undefined) expect(answers.filter((one) => one["id"] === id)).toHaveLength(1);
    }
    expect(JSON.stringify(answers)).not.toContain('"error"');
    const lists = own.some(({ method }) => method === "tools/list");
    expect(JSON.stringify(answers).includes('"longcat_image_generate"')).toBe(lists);
  });

  test.each(RECORDED.filter(({ messages }) => prepared(messages).length < messages.length))(
    "what only the program can answer keeps no list of $name waiting",
    async ({ messages }) => {
      const alone = start(await frontAlone());
      alone.child.stdin.write(messages.map(line).join(""));
      // The program is asked for, and is not there.
      expect(await alone.ended).not.toBe(0);
      const answered = parsed(await alone.stdout).map((one) => one["id"]);
      const list = messages.find(({ method }) => method === "tools/list");
      expect(answered).toContain(list?.id);
      for (const { id, method } of messages) {
        if (!PREPARED_METHODS.includes(method)) expect(answered).not.toContain(id);
      }
    },
  );

  test("a conversation that comes byte by byte is answered as one that comes whole", async () => {
    const messages = prepared(recordedOf("gemini-cli"));
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
        ...hello(0, revision, CLIENT),
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
    for (const { messages } of RECORDED) {
      const isModern = messages[0]?.method !== "initialize";
      const last = isModern ? modern(9, "tools/call", CLIENT, {}, call.params) : call;
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
    const { code, answers } = await wrong.converse([...recordedOf("opencode")]);
    expect(code).toBe(2);
    expect(answers).toEqual([]);
  });

  test("a signal after the list ends it in order", async () => {
    const { child, ended, shown } = start(join(DIST, "cli.js"));
    for (const message of prepared(recordedOf("opencode"))) child.stdin.write(line(message));
    await expect.poll(shown, PATIENTLY).toContain('"prompts"');
    // Its answer comes from whoever hears of signals.
    child.stdin.write(line({ id: 7, method: "ping" }));
    await expect.poll(shown, PATIENTLY).toContain('"id":7');
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe("compiled code", () => {
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

  test("serves over HTTP as well", async () => {
    const { child, ended } = start(join(DIST, "cli.js"), {}, ["http", "--port", "0"]);
    await expect.poll(cached, PATIENTLY).toEqual([expect.stringMatching(/^v\d/)]);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("is not kept where the user wants none", async () => {
    const env = { LONGCAT_MCP_CODE_CACHE: "off" };
    const { code, answers } = await start(join(DIST, "cli.js"), env).converse(CALL);
    expect(code).toBe(0);
    expect(answers).toHaveLength(2);
    expect(await cached()).toEqual([]);
  });

  test("is taken by the next start, although V8 has other flags while the program runs", async () => {
    await runUntilCached();
    const child = watched([]);
    const [told]: unknown[] = await once(child, "message");
    expect(told).toEqual({ isTaken: true });
  });
});

/** The program with one call before it, and Node with these options. */
function watched(options: readonly string[]): ChildProcess {
  const execArgv = ["--require", WATCHING, ...options];
  const child = fork(join(DIST, "cli.js"), [], { execArgv, env: environment({}), silent: true });
  children.push(child);
  for (const message of CALL) child.stdin?.write(line(message));
  return child;
}

describe("the room for new objects", () => {
  /** In bytes, before and after many objects have lived on. */
  async function roomOf(options: readonly string[]) {
    const child = watched(options);
    let shown = "";
    child.stdout?.on("data", (piece) => {
      shown += piece;
    });
    await expect.poll(() => shown, PATIENTLY).toContain('"id":1');
    child.send("fill");
    const [room]: { before: number; after: number }[] = await once(child, "message");
    return room ?? { before: 0, after: 0 };
  }

  test("stays as it is once the program runs", async () => {
    const { before, after } = await roomOf([]);
    expect(before).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(Math.max(before, 16 * MIB));
  });

  test("is as large as Node was told that it may become", async () => {
    const { after } = await roomOf(["--max-semi-space-size=32"]);
    expect(after).toBeGreaterThan(16 * MIB);
  });
});
