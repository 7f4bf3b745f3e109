import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished } from "vitest";
import * as z from "zod";
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from "../../src/sandbox/sandbox-server.ts";
import { giveCompiled } from "../support/compiled.ts";
import { RememberedPaintings } from "../support/remembered-paintings.ts";
import { ChildTransport } from "./child-transport.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
export const TEST_KEY = "test-key-0123456789abcdef";
const SANDBOX_SPEED = 20;
const POLL_FLOOR_MS = "50";
const painter = new RememberedPaintings();

/** For polls: a busy machine is no failure. */
export const PATIENTLY = { timeout: 150_000 };
/** The libraries' own minute may pass on a busy machine; what hangs is ended with its test. */
const CALL_MS = 1_200_000;

export const CLIENTS = ["sdk 1.x", "client 2.x"] as const;
export const TRANSPORTS = ["stdio", "http"] as const;
export type ClientKind = (typeof CLIENTS)[number];
export type TransportKind = (typeof TRANSPORTS)[number];

const contentSchema = z.array(
  z.looseObject({
    type: z.string(),
    text: z.string().optional(),
    data: z.string().optional(),
    mimeType: z.string().optional(),
    uri: z.string().optional(),
  }),
);
const resultSchema = z.looseObject({
  content: contentSchema,
  isError: z.boolean().optional(),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
});
export type ToolResult = z.output<typeof resultSchema>;

const contentsSchema = z.looseObject({
  contents: z.array(
    z.looseObject({
      uri: z.string(),
      mimeType: z.string().optional(),
      text: z.string().optional(),
      blob: z.string().optional(),
    }),
  ),
});

export interface CallOptions {
  onProgress?: (message: string, of: { progress: number; total?: number | undefined }) => void;
  signal?: AbortSignal;
}

/** What both client libraries can do, in one form. */
export interface McpClient {
  listTools(): Promise<{ name: string; inputSchema: unknown; outputSchema?: unknown }[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>;
  read(uri: string): Promise<{ mimeType: string | undefined; text: string; bytes: Buffer }>;
  listResources(): Promise<string[]>;
  listTemplates(): Promise<string[]>;
  complete(template: string, name: string, value: string): Promise<string[]>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  instructions(): string | undefined;
  /** Hears of changes to one resource and to the list. */
  watch(uri: string, onEvent: (event: string) => void): Promise<void>;
  close(): Promise<void>;
}

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
    const client =
      kind === "sdk 1.x" ? await connectV1(program, url) : await connectV2(program, url);
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

/** The first text block of a result. */
export function textOf(result: ToolResult): string {
  return result.content.find((block) => block.type === "text")?.text ?? "";
}

export function jobIdOf(result: ToolResult): string {
  return /job_[a-z2-7]{26}/.exec(textOf(result))?.[0] ?? "";
}

/** Absolute paths of the files that a result names. */
export function pathsOf(result: ToolResult): string[] {
  return [...textOf(result).matchAll(/^\d+\. (\/.*)$/gm)].map((match) => match[1] ?? "");
}

/** URLs at which a result says the upstream served its files. */
export function urlsOf(result: ToolResult): string[] {
  return [...textOf(result).matchAll(/^ {3}(https?:.*)$/gm)].map((match) => match[1] ?? "");
}

/** Asks until a job has ended. */
export async function finished(client: McpClient, jobId: string): Promise<ToolResult> {
  for (;;) {
    const result = await client.call("job_status", { job_id: jobId, wait_seconds: 10 });
    if (!isUnderWay(result)) return result;
  }
}

/**
 * The result of a job, from the answer of the call that started it or from a later one: within the
 * seconds that a call waits, a busy machine may not draw all that is asked for.
 */
export async function atItsEnd(client: McpClient, answer: ToolResult): Promise<ToolResult> {
  return isUnderWay(answer) ? finished(client, jobIdOf(answer)) : answer;
}

function isUnderWay(answer: ToolResult): boolean {
  return / is (queued|submitting|running|downloading) for /.test(textOf(answer));
}

async function connectV1(program: ChildTransport, url: URL | undefined): Promise<McpClient> {
  const client = new ClientV1({ name: "e2e", version: "1.0.0" });
  await client.connect((url ? new HttpV1(url) : program) as never);
  return {
    ...common(client),
    call: async (name, args, options = {}) =>
      resultSchema.parse(
        await client.callTool({ name, arguments: args }, undefined, requestOptions(options)),
      ),
    watch: async (uri, onEvent) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
        onEvent(`updated ${params.uri}`),
      );
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () =>
        onEvent("list_changed"),
      );
      await client.subscribeResource({ uri });
    },
  };
}

async function connectV2(program: ChildTransport, url: URL | undefined): Promise<McpClient> {
  const client = new ClientV2(
    { name: "e2e", version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect((url ? new HttpV2(url) : program) as never);
  return {
    ...common(client),
    call: async (name, args, options = {}) =>
      resultSchema.parse(await client.callTool({ name, arguments: args }, requestOptions(options))),
    watch: async (uri, onEvent) => {
      client.setNotificationHandler("notifications/resources/updated", ({ params }) =>
        onEvent(`updated ${params.uri}`),
      );
      client.setNotificationHandler("notifications/resources/list_changed", () =>
        onEvent("list_changed"),
      );
      await client.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });
    },
  };
}

/** What both libraries do in the same way. */
function common(client: ClientV1 | ClientV2): Omit<McpClient, "call" | "watch"> {
  return {
    listTools: async () => (await client.listTools()).tools,
    read: async (uri) => contents(await client.readResource({ uri })),
    listResources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    listTemplates: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate),
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: "ref/resource", uri }, argument: { name, value } }))
        .completion.values,
    prompt: async (name, args) =>
      JSON.stringify((await client.getPrompt({ name, arguments: args })).messages),
    instructions: () => client.getInstructions(),
    close: () => client.close(),
  };
}

function requestOptions({ onProgress, signal }: CallOptions) {
  return {
    timeout: CALL_MS,
    ...(onProgress
      ? {
          onprogress: (one: {
            message?: string | undefined;
            progress: number;
            total?: number | undefined;
          }) => onProgress(one.message ?? "", one),
        }
      : {}),
    ...(signal ? { signal } : {}),
  };
}

function contents(result: unknown): { mimeType: string | undefined; text: string; bytes: Buffer } {
  const first = contentsSchema.parse(result).contents[0];
  return {
    mimeType: first?.mimeType,
    text: first?.text ?? "",
    bytes: Buffer.from(first?.blob ?? "", "base64"),
  };
}
