import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished } from "vitest";
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from "../../src/sandbox/sandbox-server.ts";
import { giveCompiled } from "../support/compiled.ts";
import { RememberedPaintings } from "../support/remembered-paintings.ts";
import { ChildTransport } from "./child-transport.ts";
import { type ClientKind, connectClient, type McpClient } from "./mcp-client.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
export const TEST_KEY = "test-key-0123456789abcdef";
const SANDBOX_SPEED = 20;
const POLL_FLOOR_MS = "50";
const painter = new RememberedPaintings();

/** For polls: a busy machine is no failure. */
export const PATIENTLY = { timeout: 150_000 };

export const TRANSPORTS = ["stdio", "http"] as const;
export type TransportKind = (typeof TRANSPORTS)[number];

/** One data folder, one upstream, and the programs that a test starts on them. */
export class Bench {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly programs: ChildTransport[] = [];
  /** How large a file the programs started from now on can write. */
  maxFileKiB: number | undefined;
  readonly #clients: McpClient[] = [];

  private constructor(folder: string, sandbox: Sandbox) {
    this.folder = folder;
    this.sandbox = sandbox;
  }

  static async open(options: SandboxOptions = {}): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-"));
    const defaults = { speed: SANDBOX_SPEED, apiKey: TEST_KEY, painter };
    const sandbox = await startSandbox({ ...defaults, ...options });
    return new Bench(folder, sandbox);
  }

  /** Beside the working folder: what holds a home folder is a private place. */
  get homeDir(): string {
    return `${this.folder}-home`;
  }

  get outputDir(): string {
    return join(this.folder, "out");
  }

  get dataDir(): string {
    return join(this.folder, "data");
  }

  /** How many purchases the upstream has seen. */
  get posts(): number {
    return this.sandbox.requests().filter((one) => one.method === "POST").length;
  }

  /** Starts the built program. */
  launch(args: readonly string[], env: Record<string, string> = {}): ChildTransport {
    if (args.length === 0 && !env["LONGCAT_MCP_DATA_DIR"]) giveCompiled(this.dataDir);
    const program = new ChildTransport({
      args: [CLI, ...args],
      cwd: this.folder,
      maxFileKiB: this.maxFileKiB,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: this.homeDir,
        PIXAZO_API_KEY: TEST_KEY,
        PIXAZO_BASE_URL: this.sandbox.origin,
        PIXAZO_LEGACY_BASE_URL: this.sandbox.origin,
        LONGCAT_API_KEY: TEST_KEY,
        LONGCAT_BASE_URL: this.sandbox.origin,
        LONGCAT_MCP_DATA_DIR: this.dataDir,
        LONGCAT_MCP_OUTPUT_DIR: this.outputDir,
        LONGCAT_MCP_POLL_FLOOR_MS: POLL_FLOOR_MS,
        LONGCAT_MCP_LOG_LEVEL: "trace",
        // Nobody's browser opens while tests run.
        LONGCAT_MCP_OPEN_PAGES: "off",
        ...env,
      },
    });
    this.programs.push(program);
    return program;
  }

  /** Runs a command of the program to its end; `said` is its stdout without space around it. */
  async run(args: readonly string[], env: Record<string, string> = {}) {
    const program = this.launch(args, env);
    let stdout = "";
    program.child.stdout?.setEncoding("utf8").on("data", (chunk) => {
      stdout += String(chunk);
    });
    const code = await program.exited();
    return { code, stdout, said: stdout.trim(), stderr: program.stderr };
  }

  /** Lets somebody call over HTTP. @param more options of `users add` @returns the token. */
  async addUser(name: string, ...more: string[]): Promise<string> {
    const { code, said, stderr } = await this.run(["users", "add", name, ...more]);
    if (code !== 0) throw new Error(stderr);
    return said;
  }

  /** Starts the program and connects a real client to it. */
  async connect(
    kind: ClientKind,
    transport: TransportKind = "stdio",
    env: Record<string, string> = {},
  ): Promise<{ client: McpClient; program: ChildTransport }> {
    const program = this.launch(
      transport === "http" ? ["http", "--port", env["LONGCAT_MCP_PORT"] ?? "0"] : [],
      env,
    );
    const url = transport === "http" ? await listeningUrl(program) : undefined;
    const client = await connectClient(kind, program, url);
    this.#clients.push(client);
    return { client, program };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await Promise.all(this.programs.map((program) => program.kill("SIGKILL")));
    await this.sandbox.close();
    await rm(this.folder, { recursive: true, force: true });
    await rm(this.homeDir, { recursive: true, force: true });
  }
}

/** {@link Bench.open}, until the test ends. */
export async function openBench(): Promise<Bench> {
  const bench = await Bench.open();
  onTestFinished(() => bench.close());
  return bench;
}

/** Closes a bench; its programs have written nothing but messages on stdout, and no key anywhere. */
export async function closeInspected(bench: Bench): Promise<void> {
  const { programs } = bench;
  await bench.close();
  for (const program of programs) {
    expect(program.strayLines).toEqual([]);
    expect(`${program.output}${program.stderr}`).not.toContain(TEST_KEY);
  }
}

/** Where an http program listens, as it says on stderr. */
export async function listeningUrl(program: ChildTransport): Promise<URL> {
  for (;;) {
    const url = /listens on (http:\S+)/.exec(program.stderr)?.[1];
    if (url) return new URL(url);
    if (program.child.exitCode !== null) throw new Error(`it ended: ${program.stderr}`);
    await new Promise((resolve) => program.child.stderr?.once("data", resolve));
  }
}
