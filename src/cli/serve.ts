import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { systemClock } from "../core/clock.ts";
import { Lazy } from "../core/lazy.ts";
import { createLog } from "../core/log.ts";
import { createRedact } from "../core/redact.ts";
import type { LifePoint } from "../jobs/context.ts";
import { JobEvents } from "../jobs/events.ts";
import { ServerFactory } from "../server.ts";
import type { Settings } from "../settings/settings.ts";
import { serveOnStdio } from "../transports/stdio.ts";
import { requireDataDir } from "./data-folder.ts";
import { once } from "./ending.ts";
import { findPlace, lives } from "./place.ts";
import { readProxies } from "./proxies.ts";
import { startSandbox } from "./sandbox.ts";

/** How long an orderly end may take before the process ends all the same. */
const EXIT_DEADLINE_MS = 12_000;
/** A client lists the tools right after the first answer; loading the rest must not delay that. */
const AFTER_FIRST_LIST_MS = 300;

/** Runs the MCP server until its client or a signal ends it. */
export async function serve(command: "stdio" | "http", settings: Settings): Promise<void> {
  requireDataDir(settings.dataDir);
  const redact = createRedact([settings.apiKey, settings.chatApiKey]);
  const log = createLog(settings.logLevel, redact, (line) => process.stderr.write(line));
  const events = new JobEvents();
  const reached = crashPoint(process.env["LONGCAT_MCP_TEST_CRASH_AT"]);
  const services = new Lazy(async () => {
    const { openRuntime } = await import("../runtime.ts");
    const { nameHolder } = await import("../jobs/holder.ts");
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
    const { serveOnHttp } = await import("../transports/http.ts");
    const { HOSTED_FOLDER, HostedFolder } = await import("../media/hosting.ts");
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

/** Pulls the plug at a named point of a job's life: for the tests, and nothing without their variable. */
function crashPoint(wanted: string | undefined): (point: LifePoint) => void {
  if (!wanted) return () => {};
  return (point) => {
    if (point === wanted) process.kill(process.pid, "SIGKILL");
  };
}
