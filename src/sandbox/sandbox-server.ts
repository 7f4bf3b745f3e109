import { setMaxListeners } from "node:events";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { type Clock, systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { Archive } from "./archive.ts";
import { errorBody, type Shapes } from "./contract/replies.ts";
import type { Fault } from "./faults/fault-kinds.ts";
import { FaultPlan } from "./faults/plan.ts";
import { InputLoader, isLoopback } from "./input-loader.ts";
import { type Artist, MediaShelf } from "./media-shelf.ts";
import { Painter } from "./painter/painter.ts";
import { Queue } from "./queue.ts";
import { type RecordedRequest, Recorder } from "./recorder.ts";
import { chatRoutes } from "./routes/chat.ts";
import { CONTROL_PREFIX, controlRoutes } from "./routes/control.ts";
import { mediaRoutes } from "./routes/files.ts";
import { intake } from "./routes/intake.ts";
import { legacyRoutes } from "./routes/legacy.ts";
import { gatewayRoutes } from "./routes/queued.ts";
import { refuse } from "./routes/refusal.ts";
import { syncRoutes } from "./routes/sync.ts";
import type { SandboxContext, SandboxEnv } from "./sandbox-context.ts";

export type { Shapes } from "./contract/replies.ts";
export type { Fault } from "./faults/fault-kinds.ts";
export type { RecordedRequest } from "./recorder.ts";

export interface SandboxOptions {
  /** Default 0: any free one. */
  port?: number;
  /** Divides every duration; default 1. */
  speed?: number;
  clock?: Clock;
  /** The only key that is accepted; default: any that is not empty. */
  apiKey?: string;
  /** Where the documentation leaves the form of a reply open. */
  shapes?: Shapes;
  /** How many queue jobs run at once; default 4. */
  workers?: number;
  /** How many jobs are remembered, with their files; default 1,000. Unfinished ones always are. */
  keepJobs?: number;
  /** How many requests are remembered; default 10,000. */
  keepRequests?: number;
  /** Who draws; several sandboxes may share one. */
  painter?: Artist;
}

export interface Sandbox {
  origin: string;
  /** How many times faster than the real provider it works. */
  timesFaster: number;
  pixazoBaseUrl: string;
  legacyBaseUrl: string;
  chatBaseUrl: string;
  /** What was asked so far, oldest first; the newest `keepRequests`. */
  requests(): readonly RecordedRequest[];
  clearRequests(): void;
  faults: {
    /** @throws {invalid_input} where it is not a fault. */
    add(fault: Fault): void;
    clear(): void;
  };
  /** Drops open connections and ends everything the sandbox does. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** At speed 1: jobs that take ten seconds at the real provider take one or two here. */
const TIMES_FASTER = 8;

/**
 * Starts the imitated upstream on loopback: a real HTTP server that answers as the API documents
 * say, draws real pictures and goes wrong where it is asked to.
 * @throws {configuration} where the port cannot be had.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const closing = new AbortController();
  // Every request that waits listens to it.
  setMaxListeners(0, closing.signal);
  let origin = "";
  const context = createContext(options, closing.signal, () => origin);
  const server = createAdaptorServer({ fetch: createApp(context).fetch, hostname: HOST });
  origin = `http://${HOST}:${await listen(server, options.port ?? 0)}`;
  return {
    origin,
    timesFaster: TIMES_FASTER * context.speed,
    pixazoBaseUrl: origin,
    legacyBaseUrl: origin,
    chatBaseUrl: origin,
    requests: () => context.recorder.list(),
    clearRequests: () => context.recorder.clear(),
    faults: {
      add: (fault) => context.faults.add(fault),
      clear: () => context.faults.clear(),
    },
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

function createContext(
  options: SandboxOptions,
  closing: AbortSignal,
  origin: () => string,
): SandboxContext {
  const { clock = systemClock, speed = 1, workers = 4, keepJobs = 1000, shapes = {} } = options;
  const archive = new Archive(clock, { keep: keepJobs });
  const media = new MediaShelf(options.painter ?? new Painter());
  const inputs = new InputLoader({
    closing,
    isOwn: (url) => isLoopback(url.hostname) && url.port === new URL(origin()).port,
    ownFile: async (path) => {
      const found = archive.fileAt(path);
      return found && (await media.file(found.job, found.index))?.bytes;
    },
  });
  return {
    clock,
    speed,
    apiKey: options.apiKey,
    shapes,
    origin,
    faults: new FaultPlan(),
    recorder: new Recorder(options.keepRequests),
    queue: new Queue(clock, { workers, speed }),
    archive,
    inputs,
    media,
    closing,
  };
}

function createApp(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  app.route("/", controlRoutes(context));
  const record = intake(context);
  app.use(async (c, next) =>
    c.req.path.startsWith(`${CONTROL_PREFIX}/`) ? await next() : await record(c, next),
  );
  for (const routes of [gatewayRoutes, syncRoutes, legacyRoutes, chatRoutes, mediaRoutes])
    app.route("/", routes(context));
  app.notFound((c) => refuse(c, 404, `There is no ${c.req.method} ${c.req.path}.`));
  app.onError((error, c) => {
    const message = error instanceof AppError ? error.message : String(error);
    return c.json(errorBody(c.req.path, 500, message), 500);
  });
  return app;
}

type AdaptorServer = ReturnType<typeof createAdaptorServer>;

function listen(server: AdaptorServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AppError("configuration", `Port ${port} cannot be used.`, { cause })),
    );
    server.listen(port, HOST, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
