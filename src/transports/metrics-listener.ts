import { createServer, type IncomingMessage, type Server } from "node:http";
import { localhostAllowedHostnames, validateHostHeader } from "@modelcontextprotocol/server";
import { AppError } from "../core/errors.ts";

const HOST = "127.0.0.1";
const PATH = "/metrics";
const TYPE = "text/plain; version=0.0.4; charset=utf-8";
const HEADERS_MS = 5_000;

export interface MetricsOptions {
  port: number;
  /** All figures as they stand, in Prometheus' text format. */
  exposition: () => Promise<string>;
  onError: (error: unknown) => void;
}

/**
 * Listens for Prometheus on this machine, on a port of its own: what a tunnel or proxy leads to
 * must not tell strangers how much is bought here.
 * @returns a function that ends that.
 * @throws {configuration} when the port cannot be listened on.
 */
export async function serveMetrics(options: MetricsOptions): Promise<() => void> {
  const { port, exposition, onError } = options;
  const server = createServer({ headersTimeout: HEADERS_MS }, (request, response) => {
    const refusal = refusalOf(request);
    const answer = ([status, text, type = "text/plain"]: Answer) => {
      response.setHeader("x-content-type-options", "nosniff");
      response.writeHead(status, { "content-type": type }).end(text);
    };
    if (refusal) {
      answer(refusal);
      return;
    }
    exposition().then(
      (text) => answer([200, text, TYPE]),
      (error: unknown) => {
        onError(error);
        answer([500, "The figures cannot be read.\n"]);
      },
    );
  });
  await listening(server, port);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

/** Status, text and type. */
type Answer = [number, string, string?];

function refusalOf({ headers, method, url = "" }: IncomingMessage): Answer | undefined {
  // A web page that gives its own name this machine's address is nobody's monitoring.
  const { ok } = validateHostHeader(headers.host, localhostAllowedHostnames());
  if (!ok) return [403, "Metrics are for this machine.\n"];
  if (url.split("?", 1)[0] !== PATH) {
    return [404, `There is nothing here; metrics are at ${PATH}.\n`];
  }
  return method === "GET" || method === "HEAD" ? undefined : [405, "Only GET is answered.\n"];
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "it is in use" : error.message;
      const message = `Port ${port} of LONGCAT_MCP_METRICS_PORT cannot be listened on: ${reason}.`;
      reject(new AppError("configuration", message, { cause: error, next: "Choose another." }));
    });
    server.listen(port, HOST, resolve);
  });
}
