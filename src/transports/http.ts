import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type Server, type ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from "@modelcontextprotocol/server";
import { Hono } from "hono";
import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { LOCAL_CALLER } from "../core/owner.ts";
import { oneLine } from "../core/text.ts";
import type { JobEvents } from "../jobs/events.ts";
import type { Connection, ServerFactory } from "../server.ts";
import { readBody } from "./body.ts";
import { forwardingHeader } from "./forwarding.ts";
import { OwnerHandlers } from "./owner-handlers.ts";
import type { RateLimits } from "./rate-limits.ts";

/** How long a client may take to say what it wants; answers may take as long as they like. */
const TIMES = {
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  connectionsCheckingInterval: 5_000,
};
/** Behind a proxy, "this machine" is everybody: so nothing that was passed on is served here. */
const ONLY_LOCAL =
  "This port serves MCP to programs on this machine only. A tunnel or reverse proxy must lead to the public port instead, which serves nothing but public files (LONGCAT_MCP_PUBLIC_PORT; by default the port above this one, once LONGCAT_MCP_PUBLIC_URL is set).";

export interface HttpOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  version: string;
  events: JobEvents;
  /** Who calls; where it is absent, all requests are those of the one user of this machine. */
  callerOf?: (request: Request) => Caller;
  /** How much one of several users may ask. */
  limits: RateLimits;
  onError: (error: Error) => void;
}

export interface HttpServing {
  /** Where clients connect. */
  url: string;
  port: number;
  close(): Promise<void>;
}

/**
 * Serves any number of clients on this machine, of any protocol revision. Requests whose `Host` or
 * `Origin` is not of this machine are refused, which keeps web pages out, and so are those that
 * came through a proxy, which could make strangers look like this machine.
 * @throws {configuration} when the port cannot be listened on.
 */
export async function serveOnHttp(
  factory: ServerFactory,
  options: HttpOptions,
): Promise<HttpServing> {
  /** Who asks, and the answer that is being made; one instance serves one request. */
  const asking = new AsyncLocalStorage<{ caller: Caller; answer: ServerResponse }>();
  const handlers = new OwnerHandlers({
    events: options.events,
    createServer: ({ era }) => {
      const asked = asking.getStore();
      if (!asked) throw new AppError("internal", "A server was made for no request.");
      const { caller, answer } = asked;
      const onDelivered: Connection["onDelivered"] = (_, run) => answer.once("finish", run);
      return factory.createFor({ caller, era, lasting: false, onDelivered });
    },
    onError: options.onError,
  });
  const { callerOf = () => LOCAL_CALLER, limits } = options;

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => refusalOf(context.req.raw) ?? next());
  app.get("/healthz", (context) => context.json({ status: "ok", version: options.version }));
  app.use(async (context, next) => {
    const header = forwardingHeader(context.req.raw.headers.keys());
    return header === undefined
      ? next()
      : refused(`The request was passed on by a proxy: it carries \`${header}\`. ${ONLY_LOCAL}`);
  });
  app.get("/", (context) => {
    const { origin } = new URL(context.req.url);
    return context.text(`longcat-mcp ${options.version}: MCP clients connect to ${origin}/mcp\n`);
  });
  for (const path of ["/mcp", "/mcp/"]) {
    app.all(path, async ({ env, req }) => {
      const caller = callerOf(req.raw);
      const tooMany = limits.refuseRequest(caller, env.incoming, env.outgoing);
      if (tooMany) return tooMany;
      const body = await readBody(env.incoming);
      if (body && "refusal" in body) return Response.json(body.refusal, { status: body.status });
      const tooManyStreams = limits.refuseStream(caller, body?.message, env.outgoing);
      if (tooManyStreams) return tooManyStreams;
      const given = body ? { parsedBody: body.message } : {};
      const handler = handlers.of(caller.owner);
      return asking.run({ caller, answer: env.outgoing }, () => handler.fetch(req.raw, given));
    });
  }
  app.notFound((context) =>
    context.text(`There is nothing here; MCP is at /mcp. ${ONLY_LOCAL}\n`, 404),
  );

  const { server, port } = await listen(app, options);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/mcp`,
    port,
    async close() {
      await handlers.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What keeps web pages and strangers out of everything on this port. */
function refusalOf({ headers }: Request): Response | undefined {
  const host = validateHostHeader(headers.get("host"), localhostAllowedHostnames());
  if (!host.ok) return refused(`${oneLine(host.message)}. ${ONLY_LOCAL}`);
  const origin = validateOriginHeader(headers.get("origin"), localhostAllowedOrigins());
  return origin.ok ? undefined : refused(`${oneLine(origin.message)}. ${ONLY_LOCAL}`);
}

function refused(message: string): Response {
  const error = { code: -32000, message };
  return Response.json({ jsonrpc: "2.0", error, id: null }, { status: 403 });
}

function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  { host, port }: HttpOptions,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = createServer(TIMES, getRequestListener(app.fetch, { hostname: host }));
    server.listen(port, host, () => {
      const address = server.address();
      resolve({ server, port: typeof address === "object" && address ? address.port : port });
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "it is in use" : error.message;
      reject(
        new AppError("configuration", `Port ${port} on ${host} cannot be listened on: ${reason}.`, {
          cause: error,
          next: "Choose another with --port.",
        }),
      );
    });
  });
}
