import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** One request as it arrived. */
export interface Hit {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface RawServer {
  origin: string;
  port: number;
  /** What was asked so far, oldest first. */
  hits: Hit[];
  /** How many sockets were opened, whether or not anything was said on them. */
  readonly connections: number;
}

export type Answer = (hit: Hit, response: ServerResponse, request: IncomingMessage) => unknown;

/** An HTTP server on loopback that answers exactly what the test writes; closed after the test. */
export async function rawServer(answer: Answer): Promise<RawServer> {
  const hits: Hit[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const hit: Hit = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: Buffer.concat(chunks).toString("utf8"),
      };
      hits.push(hit);
      answer(hit, response, request);
    });
  });
  server.on("connection", () => {
    connections++;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const port = portOf(server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    hits,
    get connections() {
      return connections;
    },
  };
}

/** A TCP server on loopback that does with each socket what the test says. */
export async function tcpServer(
  serve: (socket: Socket) => void,
): Promise<{ origin: string; port: number; readonly connections: number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  const port = portOf(server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections;
    },
  };
}

/** A loopback origin on which nobody listens. */
export async function deadOrigin(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server.address());
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${port}`;
}

/** Answers JSON, as the gateway does. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}
