import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench, PATIENTLY, TEST_KEY } from "./harness.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
const REVISION = "2025-06-18";
const HELLO = [
  {
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: REVISION,
      capabilities: {},
      clientInfo: { name: "printf", version: "1" },
    },
  },
  { method: "notifications/initialized" },
];

let bench: Bench;
const children: ChildProcess[] = [];

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await bench.close();
});

/** Requests as somebody pipes them into the program: all at once, and the end right behind them. */
function piped(requests: object[], lastEnd = "\n"): string {
  return [...HELLO, ...requests]
    .map((one) => JSON.stringify({ jsonrpc: "2.0", ...one }))
    .join("\n")
    .concat(lastEnd);
}

async function answersTo(input: string): Promise<Map<number, string>> {
  const program = bench.launch([]);
  const { stdin, stdout } = program.child;
  stdin?.end(input);
  const lines = stdout ? (await text(stdout)).trim().split("\n") : [];
  expect(await program.exited()).toBe(0);
  return new Map(lines.map((line) => [JSON.parse(line).id, line]));
}

const call = (id: number, name: string, args: object = {}) => ({
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

describe("what was asked before the end of stdin", () => {
  test.each(["\n", ""])("is answered, the last line ending in %j", async (lastEnd) => {
    const answers = await answersTo(
      piped(
        [
          { id: 2, method: "tools/list" },
          call(3, "job_list"),
          { id: 4, method: "resources/list" },
          call(5, "spending"),
          { id: 6, method: "resources/templates/list" },
          call(7, "no_such_tool"),
          { id: 8, method: "no/such/method" },
          { id: 9, method: "ping" },
        ],
        lastEnd,
      ),
    );
    expect([...answers.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(answers.get(3)).toContain('"jobs":[]');
  });

  test("is answered in the newer revision as well", async () => {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "printf", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const requests = [
      { id: 1, method: "tools/call", params: { name: "job_list", arguments: {}, _meta } },
      { id: 2, method: "subscriptions/listen", params: { _meta, notifications: {} } },
    ];
    const lines = requests.map((one) => JSON.stringify({ jsonrpc: "2.0", ...one }));
    const answers = await answersTo(`${lines.join("\n")}\n`);
    expect(answers.get(1)).toContain('"jobs":[]');
  });

  test("and would wait is answered with the job, which was sent once and is found again", async () => {
    bench.sandbox.faults.add({ kind: "job-stuck" });
    const started = call(2, "z_image_turbo_generate", {
      prompt: "A quiet harbour",
      image_size: "square_1_1",
      wait_seconds: 45,
    });
    const answers = await answersTo(piped([started]));
    const jobId = /job_[a-z2-7]{26}/.exec(answers.get(2) ?? "")?.[0] ?? "";
    expect(bench.posts).toBe(1);
    const { client } = await bench.connect("sdk 1.x");
    const shown = await client.call("job_status", { job_id: jobId, wait_seconds: 0 });
    expect(textOf(shown)).toContain(`${jobId} is running`);
    expect(bench.posts).toBe(1);
  });

  test("and taken back is not waited for", async () => {
    bench.sandbox.faults.add({ kind: "hang", match: { method: "POST" } });
    const cancelled = { method: "notifications/cancelled", params: { requestId: 2 } };
    const answers = await answersTo(
      piped([call(2, "chat_threads"), cancelled, call(3, "job_list")]),
    );
    expect(answers.get(3)).toContain('"jobs":[]');
  });
});

/** A defect that strikes as soon as the program says what this waits for, or at once. */
async function defect(throwing: string): Promise<string> {
  const path = join(bench.folder, "defect.mjs");
  const secret = JSON.stringify(TEST_KEY);
  await writeFile(
    path,
    `const fault = Object.assign(new Error("a defect with " + ${secret} + "\\nand a second line"), {
       headers: { "Ocp-Apim-Subscription-Key": ${secret} }, config: { body: "the whole request" },
     });
     process.on("SIGUSR2", () => { ${throwing} });`,
  );
  return `--import=${path}`;
}

const THROWN = "setImmediate(() => { throw fault; })";
const REJECTED = "Promise.reject(fault)";

describe("a defect", () => {
  const line = (what: string) =>
    `longcat-mcp: ${what}: Error: a defect with [key removed] and a second line`;

  test("that nobody catches ends the server with one line and a code, after what it has sent is recorded", async () => {
    const { program, client } = await bench.connect("sdk 1.x", "stdio", {
      NODE_OPTIONS: await defect(THROWN),
      LONGCAT_MCP_LOG_LEVEL: "silent",
    });
    bench.sandbox.faults.add({ kind: "slow", ms: 1_000, match: { method: "POST" } });
    const start = { prompt: "A quiet harbour", image_size: "square_1_1" };
    client.call("z_image_turbo_generate", start).catch(() => undefined);
    await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
    program.child.kill("SIGUSR2");
    expect(await program.exited()).toBe(1);
    expect(program.stderr).toBe(`${line("unexpected error")}\n`);
    // The answer to what was already sent was waited for: its outcome is known.
    const later = await bench.connect("sdk 1.x");
    const jobs = textOf(await later.client.call("job_list", {}));
    expect(jobs).not.toContain("unknown");
    expect(bench.posts).toBe(1);
  });

  test("in something of no consequence leaves jobs alone, and is one line", async () => {
    const { program, client } = await bench.connect("client 2.x", "stdio", {
      NODE_OPTIONS: await defect(REJECTED),
      LONGCAT_MCP_LOG_LEVEL: "silent",
    });
    const start = { prompt: "A quiet harbour", image_size: "square_1_1", wait_seconds: 0 };
    const jobId = jobIdOf(await client.call("z_image_turbo_generate", start));
    program.child.kill("SIGUSR2");
    expect(textOf(await finished(client, jobId))).toContain(`${jobId} completed`);
    await program.close();
    expect(program.child.exitCode).toBe(0);
    expect(program.stderr).toBe(`${line("unexpected rejection")}\n`);
  });

  test.each([
    ["http", /listens on[\s\S]*\/enter\//],
    ["sandbox", /listens on/],
  ])("ends %s in the same way", async (command, ready) => {
    const program = bench.launch([command, "--port", "0"], {
      NODE_OPTIONS: await defect(THROWN),
      LONGCAT_MCP_LOG_LEVEL: "silent",
    });
    while (!ready.test(program.stderr)) {
      if (program.child.exitCode !== null) throw new Error(program.stderr);
      await Promise.race([
        once(program.child, "exit"),
        new Promise((resolved) => program.child.stderr?.once("data", resolved)),
      ]);
    }
    program.child.kill("SIGUSR2");
    expect(await program.exited()).toBe(1);
    expect(program.stderr.trimEnd().split("\n").at(-1)).toBe(line("unexpected error"));
    expect(program.stderr).not.toContain("the whole request");
  });

  test.each([["doctor"], ["jobs", "list"], ["demo"]])(
    "ends %s in the same way",
    async (...args) => {
      const path = join(bench.folder, "at-once.mjs");
      await writeFile(
        path,
        `const strike = () => {
         if (process.listenerCount("uncaughtException") === 0) return setImmediate(strike);
         throw Object.assign(new Error("a defect with ${TEST_KEY}"), { headers: "${TEST_KEY}" });
       };
       strike();`,
      );
      const program = bench.launch(args, { NODE_OPTIONS: `--import=${path}` });
      program.child.stdout?.resume();
      expect(await program.exited()).toBe(1);
      expect(program.stderr.split("\n")).toContain(
        "longcat-mcp: unexpected error: Error: a defect with [key removed]",
      );
      expect(program.stderr).not.toContain(TEST_KEY);
    },
  );
});

/** A program whose stderr nobody reads any more. */
function withoutStderr(args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: bench.folder,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: join(bench.folder, "home"),
      LONGCAT_MCP_DATA_DIR: bench.dataDir,
      LONGCAT_MCP_OUTPUT_DIR: bench.outputDir,
      LONGCAT_MCP_LOG_LEVEL: "trace",
      // Something is said at the start in any case.
      LONGCAT_MCP_INPUT_DIRS: "/nowhere/at/all",
      ...env,
    },
  });
  children.push(child);
  child.stderr?.destroy();
  return child;
}

describe("a reader of stderr that is gone", () => {
  test("changes nothing over stdio", async () => {
    const child = withoutStderr(["--sandbox", "--sandbox-speed", "20"]);
    const start = { prompt: "A quiet harbour", image_size: "square_1_1" };
    child.stdin?.write(piped([call(2, "z_image_turbo_generate", start)]));
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += String(chunk);
      if (output.includes('"id":2')) child.stdin?.end();
    });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(output).toMatch(/job_\w+ completed/);
  });

  test.each([["doctor"], ["jobs", "list"], ["demo", "--sandbox-speed", "20"], ["--help"]])(
    "changes nothing in %s",
    async (...args) => {
      const child = withoutStderr(args, { PIXAZO_API_KEY: TEST_KEY });
      const output = child.stdout ? text(child.stdout) : "";
      const [code, signal] = await once(child, "close");
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      expect((await output).length).toBeGreaterThan(0);
    },
  );

  test("changes nothing where the command line is wrong", async () => {
    const child = withoutStderr(["--foo"]);
    expect(await once(child, "close")).toEqual([2, null]);
  });

  test.each([["http"], ["sandbox"]])("changes nothing in %s", async (command) => {
    const port = await freePort();
    const child = withoutStderr([command, "--port", String(port)]);
    child.stdout?.resume();
    const exited = once(child, "exit");
    await expect.poll(() => isListening(port), PATIENTLY).toBe(true);
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolved) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolved(true)).once("error", () => resolved(false));
    socket.once("connect", () => socket.destroy());
  });
}

describe("a reader of stdout that is gone", () => {
  test.each([["--help"], ["jobs", "list"], ["doctor"], ["help", "jobs"]])(
    "is no failure of %s",
    async (...args) => {
      const program = bench.launch(args);
      program.child.stdout?.destroy();
      const code = await program.exited();
      expect(code).toBe(0);
      expect(program.stderr).toBe("");
    },
  );
});
