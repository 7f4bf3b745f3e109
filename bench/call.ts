import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, request } from "undici";
import { median, Program } from "./child.ts";

const WARM_UP = 200;
const ANSWER = JSON.stringify({ status: "processing", progress: 0.5, request_id: "bench" });

export interface CallFigures {
  throughServerMs: number;
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
  const upstream = createServer((incoming, outgoing) => {
    incoming.resume().on("end", () => {
      outgoing.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const program = new Program([cli], {
    ...env,
    PIXAZO_BASE_URL: origin,
    PIXAZO_LEGACY_BASE_URL: origin,
  });
  const agent = new Agent();
  try {
    await program.initialize();
    const call = () =>
      program.request("tools/call", {
        name: "longcat_image_legacy_status",
        arguments: { request_id: "bench" },
      });
    const direct = async () => {
      const reply = await request(`${origin}/longcat-image-request-result`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ request_id: "bench" }),
        dispatcher: agent,
      });
      await reply.body.json();
    };
    const through: number[] = [];
    const directly: number[] = [];
    for (let i = 0; i < WARM_UP + calls; i++) {
      const [first, second] = [await timed(call), await timed(direct)];
      if (i < WARM_UP) continue;
      through.push(first);
      directly.push(second);
    }
    return { throughServerMs: median(through), directMs: median(directly) };
  } finally {
    await program.end();
    await agent.close();
    upstream.close();
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
