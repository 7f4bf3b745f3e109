import { createServer, type Server } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { AppError } from "../../core/errors.ts";

/** How long a client may take to say what it wants; answers may take as long as they like. */
const TIMES = {
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  connectionsCheckingInterval: 5_000,
};

/** Answers a request, which comes with what Node knows of it. */
export type Fetch = (request: Request, bindings: HttpBindings) => Response | Promise<Response>;

/**
 * Listens on a port, 0 for any free one.
 * @throws {configuration} when the port cannot be listened on.
 */
export function listen(
  fetch: Fetch,
  host: string,
  port: number,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    // Made for each request, since the library's would not say that they are all of HTTP/1.1.
    const server = createServer(TIMES, (incoming, outgoing) =>
      getRequestListener((request) => fetch(request, { incoming, outgoing }), { hostname: host })(
        incoming,
        outgoing,
      ),
    );
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

/**
 * Takes no connection any more; those that are open go on. Whoever has connected already is let in
 * first: at the end of a round of the event loop nobody is left at the door.
 */
export function stopListening(server: Server): void {
  setImmediate(() => setImmediate(() => server.close()));
}
