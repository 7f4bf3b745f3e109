import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";

/** Before several replicas: each request goes to the next, as most balancers have it. */
export interface Balancer {
  url: URL;
  /** What has gone where, in order: the method, and the number of the replica. */
  readonly asked: { method: string; to: number }[];
  /** Which replica gets the next request that can be given to it. */
  next(to: number): void;
}

/** Listens on loopback until the test ends. A replica that takes no connection is passed over. */
export async function balancerOf(replicas: readonly URL[]): Promise<Balancer> {
  const asked: Balancer["asked"] = [];
  let turn = 0;

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, tries = 0) => {
    const to = turn++ % replicas.length;
    const { hostname, port } = replicas[to] ?? new URL("http://127.0.0.1");
    const { method = "GET", url: path, headers } = incoming;
    const behind = request({
      hostname,
      port,
      path,
      method,
      headers: { ...headers, host: hostname },
    });
    outgoing.on("close", () => behind.destroy());
    behind.on("response", (reply) => {
      asked.push({ method, to });
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
      outgoing.flushHeaders();
      reply.on("error", () => outgoing.destroy());
      reply.pipe(outgoing);
    });
    behind.on("error", (error) => {
      const isRefused = "code" in error && error.code === "ECONNREFUSED";
      if (isRefused && tries < replicas.length) pass(incoming, outgoing, body, tries + 1);
      else outgoing.destroy();
    });
    behind.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on("data", (piece) => pieces.push(piece));
    incoming.on("end", () => pass(incoming, outgoing, Buffer.concat(pieces)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    asked,
    next(to) {
      turn = to;
    },
  };
}
