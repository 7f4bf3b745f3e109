import { createServer, request as send } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";

/** A public address: a reverse proxy as they usually are, which remembers what it has passed on. */
export interface Tunnel {
  url: string;
  /** Where it leads to; may be changed. */
  port: number;
  /** The last body that went through for an address. */
  bytesOf(url: string): Buffer | undefined;
  close(): void;
}

/** Opens a tunnel to a port of this machine. */
export async function openTunnel(port: number): Promise<Tunnel> {
  const bodies = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const { url = "", method = "GET", headers } = request;
    const onwards = send(
      {
        host: "127.0.0.1",
        port: tunnel.port,
        path: url,
        method,
        headers: {
          ...headers,
          host: `127.0.0.1:${tunnel.port}`,
          forwarded: "for=203.0.113.9",
          "x-forwarded-for": "203.0.113.9",
          "x-forwarded-host": "files.example",
          "x-forwarded-proto": "https",
        },
      },
      (reply) => {
        const chunks: Buffer[] = [];
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("end", () => {
          if (reply.statusCode === 200) bodies.set(url, Buffer.concat(chunks));
        });
        reply.pipe(response);
      },
    );
    onwards.on("error", () => response.destroy());
    request.pipe(onwards);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tunnel: Tunnel = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port,
    bytesOf: (url) => bodies.get(new URL(url).pathname),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return tunnel;
}

/** Two neighbouring ports of which both are free right now. */
export async function freePortPair(): Promise<number> {
  const listen = (port: number) =>
    new Promise<ReturnType<typeof createTcpServer> | undefined>((resolve) => {
      const server = createTcpServer();
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => resolve(server));
    });
  for (;;) {
    const lower = await listen(0);
    const port = lower ? (lower.address() as AddressInfo).port : 0;
    const upper = await listen(port + 1);
    for (const server of [lower, upper]) {
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    }
    if (upper) return port;
  }
}
