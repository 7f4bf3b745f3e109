import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Access } from "../access/authenticator.ts";
import { onAbort } from "../core/aborting.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { JobEvents } from "../jobs/events.ts";
import type { HttpServers } from "../server.ts";
import { Authentication } from "./http/authentication.ts";
import { corsFor } from "./http/cors.ts";
import { Guards } from "./http/guards.ts";
import { healthRoutes, type Readiness } from "./http/health.ts";
import { type Front, NO_FRONT } from "./http/in-front.ts";
import { KnownHeads } from "./http/known-heads.ts";
import { listen, stopListening } from "./http/listening.ts";
import { McpRoute, type McpRouteOptions } from "./http/mcp-route.ts";
import { OpenAnswers } from "./http/open-answers.ts";
import { answerWithPages, type Pages } from "./http/page-answers.ts";
import { ONLY_LOCAL } from "./http/refusing.ts";
import { metadataPaths, resourceMetadata } from "./http/resource-metadata.ts";
import { senderOf } from "./http/sender.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Traffic } from "./traffic.ts";

/** How long a client may take to read the end of what is closed. */
const LAST_BYTES_MS = 1_000;
const MCP_PATHS = ["/mcp", "/mcp/"];

export interface HttpOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  version: string;
  events: JobEvents;
  clock: Clock;
  /** How callers are told apart; where it is absent, all are the one user of this machine. */
  access?: Access | undefined;
  /** Whether even the one user of this machine counts as somebody elsewhere: there may be many machines. */
  isAnywhere?: boolean;
  front?: Front;
  /** How much one of several users may ask. */
  limits: RateLimits;
  /** Absent: clients of earlier revisions have no sessions. */
  sessions?: NonNullable<McpRouteOptions["sessions"]>;
  log: Log;
  /** What people see in a browser who were let in; nobody is where it is absent. */
  pages?: Pages | undefined;
  /** Counts what is answered. */
  traffic: Traffic;
  /** Whether the server can do its work. */
  readiness: Readiness;
  /** Aborts when the server is asked to end: what waits is answered at once. */
  stopping?: AbortSignal;
  /**
   * Whether others answer whoever finds no server here: then nobody can connect any more once it is
   * asked to end, so that a balancer goes to them at once and no start is refused.
   */
  hasOthers?: boolean;
  onError: (error: Error) => void;
}

export interface HttpServing {
  /** Where clients connect. */
  url: string;
  port: number;
  /** Once nothing but streams is left to be answered. */
  answered(): Promise<void>;
  /** Ends streams as clients expect it, and all else. */
  close(): Promise<void>;
}

/**
 * Serves any number of clients, of any protocol revision. Until callers have to say who they are,
 * these are programs on this machine: requests whose `Host` or `Origin` is not of this machine are
 * refused, which keeps web pages out, and so are those that came through a proxy, which could make
 * strangers look like this machine.
 * @throws {configuration} when the port cannot be listened on.
 */
export async function serveOnHttp(
  factory: HttpServers,
  options: HttpOptions,
): Promise<HttpServing> {
  const { access, front = NO_FRONT, clock, traffic, onError, version, pages } = options;
  const authentication = new Authentication(access, options.isAnywhere);
  const guards = new Guards(front, options.host);
  const open = new OpenAnswers(clock, onError);
  const mcp = new McpRoute(factory, authentication, open, options);

  const app = new Hono<{ Bindings: HttpBindings; Variables: { isClosed: boolean } }>();
  healthRoutes(app, options);
  const addressOf = ({ incoming }: HttpBindings) => incoming.socket.remoteAddress ?? "";
  app.use(async (context, next) => {
    const isClosed = await authentication.isClosed();
    context.set("isClosed", isClosed);
    const { headers } = context.req.raw;
    const isForPeople = pages !== undefined && !MCP_PATHS.includes(context.req.path);
    const arrival = { headers, isClosed, address: addressOf(context.env), isForPeople };
    return guards.refusalOfPlace(arrival) ?? next();
  });
  const cors = corsFor((origin) => guards.isOfOurs(origin));
  app.use((context, next) => (context.var.isClosed ? cors(context, next) : next()));
  app.use(async (context, next) => {
    const { headers } = context.req.raw;
    const { isClosed } = context.var;
    return guards.refusalOfWay({ headers, isClosed, address: addressOf(context.env) }) ?? next();
  });
  if (access?.resource) {
    const { resource } = access;
    for (const path of metadataPaths(resource)) {
      app.get(path, (context) => context.json(resourceMetadata(resource)));
    }
  }
  if (pages) {
    app.use(async ({ env, req, var: { isClosed } }, next) => {
      if (MCP_PATHS.includes(req.path)) return next();
      const around = { front, open, traffic };
      return (await answerWithPages(pages, env, req.raw.headers, isClosed, around)) ?? next();
    });
  }
  app.get("/", (context) => {
    const { origin } = new URL(context.req.url);
    return context.text(`longcat-mcp ${version}: MCP clients connect to ${origin}/mcp\n`);
  });
  const known = new KnownHeads();
  /** Answers what all guards have let pass. */
  const answerMcp = async (request: Request, env: HttpBindings, isClosed: boolean) => {
    const { headers } = request;
    const sender = () => senderOf(addressOf(env), headers, front.isProxy);
    const credential = await authentication.credentialOf(headers, sender, isClosed);
    if (credential instanceof Response) return credential;
    open.watch(env.outgoing, credential);
    return mcp.answer(request, env, credential);
  };
  for (const path of MCP_PATHS) {
    app.all(path, async ({ env, req, var: { isClosed } }) => {
      const response = await answerMcp(req.raw, env, isClosed);
      if (response.status !== 401) known.add(env.incoming, isClosed);
      return response;
    });
  }
  const failed = (error: Error) => {
    onError(error);
    return unavailable();
  };
  app.onError(failed);
  app.notFound((context) =>
    context.text(
      context.var.isClosed
        ? "There is nothing here; MCP is at /mcp.\n"
        : `There is nothing here; MCP is at /mcp. ${ONLY_LOCAL}\n`,
      404,
    ),
  );

  /** A client's second request like its first need not go all the way. */
  const fetch = async (request: Request, env: HttpBindings) => {
    const wasClosed = known.wasClosed(env.incoming);
    if (wasClosed === undefined) return app.fetch(request, env);
    try {
      const isClosed = await authentication.isClosed();
      return isClosed === wasClosed
        ? await answerMcp(request, env, isClosed)
        : app.fetch(request, env);
    } catch (error) {
      return failed(error instanceof Error ? error : toAppError(error));
    }
  };
  const { server, port } = await listen(fetch, options.host, options.port);
  server.prependListener("request", (request, response) => traffic.arrived(request, response));
  if (options.hasOthers) onAbort(options.stopping, () => stopListening(server));
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/mcp`,
    port,
    answered: () => traffic.callsAnswered(),
    async close() {
      open.close();
      const closed = new Promise((resolve) => server.close(resolve));
      await mcp.close();
      await traffic.allOver(LAST_BYTES_MS);
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What is answered where something failed that says who may call. */
function unavailable(): Response {
  return Response.json(
    {
      error: "temporarily_unavailable",
      error_description:
        "The server cannot look up what it needs for this request at the moment; nothing was done. Try again in 5 s: jobs that were started go on.",
    },
    { status: 503, headers: { "Retry-After": "5" } },
  );
}
