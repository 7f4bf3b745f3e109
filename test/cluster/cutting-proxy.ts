import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Between a program and a server: after so many bytes, both ways together, the way ends. */
export interface CuttingProxy {
  port: number;
  /** How many bytes have gone through since the way was opened last. */
  bytes: () => number;
  hasCut: () => boolean;
  /** Opens the way, until so many bytes have gone through: then for good, or once. */
  open(afterBytes?: number, isForGood?: boolean): void;
  close(): Promise<void>;
}

export async function cuttingProxyTo(host: string, port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let gone = 0;
  let most = Number.POSITIVE_INFINITY;
  let isForGood = false;
  let hasCut = false;
  const cut = () => {
    hasCut = true;
    most = Number.POSITIVE_INFINITY;
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (hasCut && isForGood) {
      client.destroy();
      return;
    }
    const behind = connect(port, host);
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => {
        gone += bytes.length;
        // What is beyond that does not arrive.
        const kept = Math.max(0, bytes.length - Math.max(0, gone - most));
        const isOver = gone >= most;
        if (kept > 0 && !to.write(bytes.subarray(0, kept)) && !isOver) {
          from.pause();
          to.once("drain", () => from.resume());
        }
        if (isOver) setImmediate(cut);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    bytes: () => gone,
    hasCut: () => hasCut,
    open(afterBytes = Number.POSITIVE_INFINITY, forGood = false) {
      [gone, most, isForGood, hasCut] = [0, afterBytes, forGood, false];
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
