import { createServer } from "node:net";

/**
 * Below what Linux (32768), macOS and Windows (49152) give to outgoing connections and to whoever
 * asks for any port: what is found free here is not taken by a neighbour before it is listened on.
 */
const [LOWEST, HIGHEST] = [20_000, 32_000];
/** One worker of a run never tries the ports of another. */
const BLOCKS = 8;
const BLOCK = (HIGHEST - LOWEST) / BLOCKS;
const block = Number(process.env.VITEST_POOL_ID ?? 0) % BLOCKS;
let next = Math.floor(Math.random() * BLOCK);

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/**
 * A loopback port that nobody listens on, and that nobody is given until it is listened on.
 *
 * @throws {RangeError} where every port of this worker is taken.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < BLOCK; tried += 1) {
    const port = LOWEST + block * BLOCK + next;
    next = (next + 1) % BLOCK;
    if (await listens(port)) return port;
  }
  throw new RangeError("no port is free");
}

/** With which status a port of this machine answers; 0 where nothing does. */
export function statusAt(port: number): Promise<number> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    ({ status }) => status,
    () => 0,
  );
}
