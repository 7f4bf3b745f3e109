import { Agent, request } from "undici";
import { end, median, processMs, serve } from "./child.ts";

/** Clients at once, for how many calls there are in a second. */
const CLIENTS = 8;

const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-06-18",
};

/** Reads what is posted and answers with as many bytes as the answer that it is compared with. */
const bareServer = (bytes: number) => `
  const body = "x".repeat(${bytes});
  require("node:http").createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    });
  }).listen(0, "127.0.0.1", function () { console.error("listens on http://127.0.0.1:" + this.address().port); });`;

export interface HttpFigures {
  what: string;
  oursMs: number;
  bareMs: number;
  perSecond: number;
  /** Processor time of the server for each call. */
  cpuMs: number;
}

/** Calls over HTTP, beside a Node HTTP server that answers as many bytes without a look. */
export async function measureHttp(
  cli: string,
  env: Record<string, string>,
  calls: number,
): Promise<HttpFigures[]> {
  const ours = await serve([cli, "http", "--port", "0"], env);
  try {
    const figures: HttpFigures[] = [];
    for (const [what, method, params] of [
      ["`ping`", "ping", {}],
      ["`image_models`", "tools/call", { name: "image_models", arguments: {} }],
    ] as const) {
      const ask = asking(ours.url, { jsonrpc: "2.0", method, params });
      const bytes = await ask();
      const bare = await serve(["-e", bareServer(bytes)], env);
      try {
        const askBare = asking(bare.url, { jsonrpc: "2.0", method, params });
        // What is compiled after a thousand calls is of no use in the first ones.
        for (let n = 0; n < calls; n++) await Promise.all([ask(), askBare()]);
        const [oursMs, bareMs] = await byTurns(ask, askBare, calls);
        figures.push({
          what,
          oursMs,
          bareMs,
          ...(await atOnce(ask, ours.child.pid ?? 0, calls * 2)),
        });
      } finally {
        await end(bare.child);
      }
    }
    return figures;
  } finally {
    await end(ours.child);
  }
}

/** A request that is sent again and again, as clients do it. @returns the size of its answer. */
function asking(url: string, message: object): () => Promise<number> {
  const dispatcher = new Agent({ connections: CLIENTS });
  let id = 0;
  return async () => {
    const body = JSON.stringify({ ...message, id: ++id });
    const reply = await request(url, { method: "POST", headers: HEADERS, body, dispatcher });
    return (await reply.body.arrayBuffer()).byteLength;
  };
}

async function byTurns(
  ours: () => Promise<unknown>,
  bare: () => Promise<unknown>,
  rounds: number,
): Promise<[number, number]> {
  const [first, second]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    first.push(await timed(ours));
    second.push(await timed(bare));
  }
  return [median(first), median(second)];
}

async function atOnce(ask: () => Promise<unknown>, pid: number, calls: number) {
  const [startedAt, cpuBefore] = [performance.now(), processMs(pid)];
  let left = calls;
  const client = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const ms = performance.now() - startedAt;
  return { perSecond: (calls / ms) * 1000, cpuMs: (processMs(pid) - cpuBefore) / calls };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
