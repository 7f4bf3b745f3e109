#!/usr/bin/env node
import { accessSync, constants, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "../package.json" with { type: "json" };
import { COMMANDS, type Command, readSettings, SETTINGS, type Settings } from "./config.ts";
import { systemClock } from "./core/clock.ts";
import { AppError, type ErrorCode, toAppError } from "./core/errors.ts";
import { Lazy } from "./core/lazy.ts";
import { createLog } from "./core/log.ts";
import { createRedact } from "./core/redact.ts";
import { helpText } from "./docs/help.ts";
import type { ProxySettings } from "./gateway/http.ts";
import { checkPriceList } from "./jobs/budget.ts";
import type { LifePoint } from "./jobs/context.ts";
import { JobEvents } from "./jobs/events.ts";
import { LOCAL_OWNER, ServerFactory } from "./server.ts";
import { serveOnStdio } from "./transports/stdio.ts";

/** How long an orderly end may take before the process ends all the same. */
const EXIT_DEADLINE_MS = 12_000;
const WRONG_USAGE = 2;
const WRONG_USAGE_CODES: readonly ErrorCode[] = ["configuration", "storage", "invalid_input"];
/** A client lists the tools right after the first answer; loading the rest must not delay that. */
const AFTER_FIRST_LIST_MS = 300;

interface CommandLine {
  command: Command;
  /** What follows the command. */
  words: string[];
  flags: Record<string, string | undefined>;
}

function readCommandLine(argv: readonly string[]): CommandLine | "help" | "version" {
  const specs = Object.values(SETTINGS).flatMap((spec) => ("flag" in spec ? [spec.flag] : []));
  const isSwitch = (flag: string) => flag === SETTINGS.sandbox.flag;
  const options = Object.fromEntries(
    specs.map((flag) => [flag, { type: isSwitch(flag) ? "boolean" : "string" } as const]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...options, help: { type: "boolean", short: "h" }, version: { type: "boolean" } },
      allowPositionals: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable arguments";
    throw new AppError("configuration", `${reason} \`longcat-mcp --help\` lists what there is.`);
  }
  if (parsed.values["help"]) return "help";
  if (parsed.values["version"]) return "version";
  const [name = "stdio", ...words] = parsed.positionals;
  const command = COMMANDS.find((known) => known === name);
  if (!command || (words.length > 0 && command !== "jobs")) {
    const wrong = command ? words[0] : name;
    throw new AppError(
      "configuration",
      `"${wrong}" is not a command. There are ${COMMANDS.join(", ")}.`,
    );
  }
  const flags = Object.fromEntries(
    Object.entries(parsed.values).map(([flag, value]) => [flag, String(value)]),
  );
  return { command, words, flags };
}

/**
 * Where process ids mean the same to all: containers that share a folder have their own, and may
 * have one host name. Only Linux has such; it also counts a new start of the machine as elsewhere.
 */
function findPlace(): string | undefined {
  if (process.platform !== "linux") return hostname();
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()}/${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Pulls the plug at a named point of a job's life: for the tests, and nothing without their variable. */
function crashPoint(wanted: string | undefined): (point: LifePoint) => void {
  if (!wanted) return () => {};
  return (point) => {
    if (point === wanted) process.kill(process.pid, "SIGKILL");
  };
}

async function startSandbox(speed: number, port = 0) {
  const sandbox = await import("./sandbox/server.ts");
  return sandbox.startSandbox({ speed, port });
}

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") return void process.stdout.write(helpText());
  if (commandLine === "version") return void process.stdout.write(`${packageJson.version}\n`);
  const settings = readSettings({
    env: process.env,
    flags: commandLine.flags,
    platform: process.platform,
    workingDir: process.cwd(),
    readFile: (path) => readFileSync(path, "utf8"),
  });
  checkPriceList(settings.prices);
  // A reader that has seen enough, as `| head` has, is no failure.
  process.stdout.on("error", () => process.exit(0));
  switch (commandLine.command) {
    case "stdio":
    case "http":
      return serve(commandLine.command, settings);
    case "sandbox":
      return serveSandbox(settings);
    case "demo":
      return runDemo(settings);
    case "jobs":
      return runJobs(commandLine.words, settings);
    case "doctor":
      return runDoctor(settings);
  }
}

/** @throws {storage} where jobs could not be recorded; better now than at the first purchase. */
function requireDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new AppError(
      "storage",
      `The data folder ${path} cannot be used${code}; choose another with LONGCAT_MCP_DATA_DIR.`,
      { cause: error },
    );
  }
}

/** Runs the MCP server until its client or a signal ends it. */
async function serve(command: "stdio" | "http", settings: Settings): Promise<void> {
  requireDataDir(settings.dataDir);
  const redact = createRedact([settings.apiKey, settings.chatApiKey]);
  const log = createLog(settings.logLevel, redact, (line) => process.stderr.write(line));
  const events = new JobEvents();
  const reached = crashPoint(process.env["LONGCAT_MCP_TEST_CRASH_AT"]);
  const services = new Lazy(async () => {
    const { openRuntime } = await import("./runtime.ts");
    const { nameHolder } = await import("./jobs/holder.ts");
    const { pid } = process;
    const startedAt = Math.round(performance.timeOrigin);
    return openRuntime({
      settings,
      proxies: readProxies(process.env),
      events,
      clock: systemClock,
      log,
      redact,
      startSandbox,
      reached,
      servesHttp: command === "http",
      ...nameHolder({ place: findPlace(), pid, startedAt, lives }),
    });
  });
  const factory = new ServerFactory({
    services,
    settings,
    clock: systemClock,
    log,
    reached,
    version: packageJson.version,
    events,
  });
  /** Jobs of an earlier process go on even if this client never calls a tool. */
  const openEarly = () => {
    systemClock.schedule(AFTER_FIRST_LIST_MS, () => {
      services.get().catch((error: unknown) => log.error({ err: error }, "jobs cannot be opened"));
    });
  };
  const onError = (error: Error) => log.warn({ err: error }, "protocol error");

  let close: () => Promise<void>;
  const end = once(async () => {
    setTimeout(() => process.exit(0), EXIT_DEADLINE_MS).unref();
    await close();
    await (await services.settled())?.close();
    process.exit(0);
  });
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.stdout.removeAllListeners("error").on("error", end);
  // One defect must not take every other job's process with it.
  process.on("unhandledRejection", (error) => log.error({ err: error }, "unhandled rejection"));

  if (command === "stdio") {
    const { stdin, stdout } = process;
    close = serveOnStdio(factory, {
      stdin,
      stdout,
      onFirstAnswer: openEarly,
      onEnd: end,
      onError,
    });
  } else {
    const { serveOnHttp } = await import("./transports/http.ts");
    const { HOSTED_FOLDER, HostedFolder } = await import("./media/hosting.ts");
    const { host, port = 8787 } = settings;
    const hosted = new HostedFolder(join(settings.dataDir, HOSTED_FOLDER), systemClock);
    const serving = await serveOnHttp(factory, {
      host,
      port,
      version: packageJson.version,
      events,
      hostedFile: (request) => hosted.fetch(request),
      onError,
    });
    close = serving.close;
    process.stderr.write(`longcat-mcp listens on ${serving.url}\n`);
    openEarly();
  }
}

function readProxies(env: NodeJS.ProcessEnv): ProxySettings {
  return {
    httpProxy: env["HTTP_PROXY"] ?? env["http_proxy"],
    httpsProxy: env["HTTPS_PROXY"] ?? env["https_proxy"],
    noProxy: env["NO_PROXY"] ?? env["no_proxy"],
  };
}

async function serveSandbox(settings: Settings): Promise<void> {
  const sandbox = await startSandbox(settings.sandboxSpeed, settings.port ?? 4010);
  process.stderr.write(
    `The sandbox listens on ${sandbox.origin}\n` +
      `Point a client at it with PIXAZO_BASE_URL=${sandbox.origin} or LONGCAT_BASE_URL=${sandbox.origin} and any key.\n`,
  );
  const end = once(async () => {
    await sandbox.close();
    process.exit(0);
  });
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

async function runDemo(settings: Settings): Promise<void> {
  const { runDemo: run } = await import("./demo/demo.ts");
  const { stdout, argv, execPath, env } = process;
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  process.once("SIGTERM", () => stopping.abort());
  stdout.on("error", () => stopping.abort());
  process.exitCode = await run({
    write: (text) => stdout.write(text),
    isTerminal: stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    // A terminal that does not know its size says 0.
    columns: stdout.columns || 80,
    program: { command: execPath, script: argv[1] ?? "" },
    environment: env,
    sandboxSpeed: settings.sandboxSpeed,
    signal: stopping.signal,
  });
}

async function runJobs(words: readonly string[], settings: Settings): Promise<void> {
  const { runJobsCommand } = await import("./jobs-command.ts");
  await runJobsCommand(words, {
    settings,
    owner: LOCAL_OWNER,
    now: systemClock.now(),
    write: (text) => process.stdout.write(text),
  });
}

async function runDoctor(settings: Settings): Promise<void> {
  const { runDoctor: run } = await import("./doctor.ts");
  process.exitCode = await run(settings, {
    write: (text) => process.stdout.write(text),
    nodeVersion: process.version,
    proxies: readProxies(process.env),
  });
}

function once(run: () => Promise<void>): () => void {
  let started = false;
  return () => {
    if (started) return;
    started = true;
    void run();
  };
}

main().catch((thrown: unknown) => {
  const error = toAppError(thrown);
  const detail = error.code === "internal" && thrown instanceof Error ? ` (${thrown.message})` : "";
  process.stderr.write(`longcat-mcp: ${error.message}${detail}\n`);
  process.exit(WRONG_USAGE_CODES.includes(error.code) ? WRONG_USAGE : 1);
});
