import { Agent, request } from "undici";
import { end, median, Program, serve } from "./child.ts";

const WARM_UP = 200;

/**
 * The provider, in a process of its own as any is: whoever plays both ends of a request is never
 * woken up by its answer, which makes that request look quicker than one can be.
 */
const UPSTREAM = `
  const answer = JSON.stringify({ status: "processing", progress: 0.5, request_id: "bench" });
  require("node:http")
    .createServer((incoming, outgoing) => {
      incoming.resume().on("end", () => {
        outgoing.writeHead(200, { "content-type": "application/json" }).end(answer);
      });
    })
    .listen(0, "127.0.0.1", function () {
      console.error("listens on http://127.0.0.1:" + this.address().port);
    });`;

/** Passes each line on to the provider, and its answer back: the least that any server does. */
const RELAY = `
  const { Agent, request } = require("undici");
  const dispatcher = new Agent();
  const [url] = process.argv.slice(1);
  require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) => {
    const { id, params } = JSON.parse(line);
    const body = JSON.stringify(params);
    const headers = { "content-type": "application/json" };
    const reply = await request(url, { method: "POST", headers, body, dispatcher });
    const result = await reply.body.json();
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
  });`;

export interface CallFigures {
  throughServerMs: number;
  /** Through a program that only passes on. */
  relayedMs: number;
  directMs: number;
}

/**
 * A tool call that makes one upstream request, beside that request made directly: what is between
 * them is the time that the server adds, its stdio and JSON-RPC included.
 */
export async function measureCall(
  cli: string,
  env: Record<string, string>,
  calls: number,
): Promise<CallFigures> {
  const upstream = await serve(["-e", UPSTREAM], {});
  const url = `${upstream.url}/longcat-image-request-result`;
  const program = new Program([cli], {
    ...env,
    PIXAZO_BASE_URL: upstream.url,
    PIXAZO_LEGACY_BASE_URL: upstream.url,
  });
  const relay = new Program(["-e", RELAY, url], {});
  const agent = new Agent();
  try {
    await program.initialize();
    const params = JSON.stringify({
      name: "longcat_image_legacy_status",
      arguments: { request_id: "bench" },
    });
    const through = () => program.requestText("tools/call", params);
    const relayed = () => relay.requestText("tools/call", params);
    const direct = async () => {
      const reply = await request(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ request_id: "bench" }),
        dispatcher: agent,
      });
      await reply.body.json();
    };
    const took = { through: [] as number[], relayed: [] as number[], direct: [] as number[] };
    for (let i = 0; i < WARM_UP + calls; i++) {
      const [first, second, third] = [
        await timed(through),
        await timed(relayed),
        await timed(direct),
      ];
      if (i < WARM_UP) continue;
      took.through.push(first);
      took.relayed.push(second);
      took.direct.push(third);
    }
    return {
      throughServerMs: median(took.through),
      relayedMs: median(took.relayed),
      directMs: median(took.direct),
    };
  } finally {
    await program.end();
    await relay.end();
    await agent.close();
    await end(upstream.child);
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
