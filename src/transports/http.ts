import { AsyncLocalStorage } from "node:async_hooks";
import type { Server, ServerResponse } from "node:http";
import { type HttpBindings, serve } from "@hono/node-server";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { AppError } from "../core/errors.ts";
import type { JobEvents } from "../jobs/events.ts";
import { bringsMedia, type Connection, changedUris, type ServerFactory } from "../server.ts";

/** Room for a picture sent as a data URI. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface HttpOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  version: string;
  events: JobEvents;
  /** Answers requests for files that the provider was told to fetch here. */
  hostedFile: (request: Request) => Promise<Response>;
  onError: (error: Error) => void;
}

export interface HttpServing {
  /** Where clients connect. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves any number of clients on this machine, of any protocol revision. Requests whose `Host` or
 * `Origin` is not of this machine are refused: that is what keeps web pages out.
 * @throws {configuration} when the port cannot be listened on.
 */
export async function serveOnHttp(
  factory: ServerFactory,
  options: HttpOptions,
): Promise<HttpServing> {
  /** The HTTP answer that is being made; one instance serves one request. */
  const answers = new AsyncLocalStorage<ServerResponse>();
  const handler = createMcpHandler(
    ({ era }) => {
      const answer = answers.getStore();
      const onDelivered: Connection["onDelivered"] = (_, run) => answer?.once("finish", run);
      return factory.create({ era, lasting: false, onDelivered });
    },
    { maxRequestBodySize: MAX_BODY_BYTES, onerror: options.onError },
  );
  const unsubscribe = options.events.subscribe((job) => {
    for (const uri of changedUris(job)) handler.notify.resourceUpdated(uri);
    if (bringsMedia(job)) handler.notify.resourcesChanged();
  });

  const app = new Hono<{ Bindings: HttpBindings }>();
  // Fetched through a public address, by names that cannot be guessed: the one route for anybody.
  app.all("/files/:name", (context) => options.hostedFile(context.req.raw));
  app.use(async (context, next) => {
    const request = context.req.raw;
    const refusal =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    return refusal ?? next();
  });
  app.get("/healthz", (context) => context.json({ status: "ok", version: options.version }));
  app.all("/mcp", (context) =>
    answers.run(context.env.outgoing, () => handler.fetch(context.req.raw)),
  );

  const { server, port } = await listen(app, options);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/mcp`,
    async close() {
      unsubscribe();
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  { host, port }: HttpOptions,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (address) => {
      resolve({ server: server as Server, port: address.port });
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
