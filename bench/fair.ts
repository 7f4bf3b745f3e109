import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { end, median, serve } from "./child.ts";

/** How long the provider takes for everything: what is measured is who waits for whom. */
const TAKES_MS = 50;
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

export interface FairFigures {
  /** What one of a modest user's jobs takes, from call to files. */
  aloneMs: number;
  /** The same once a greedy user has started hundreds at a time. */
  besideMs: number;
}

/** A modest user's jobs, alone and beside those of a greedy one, in one program over HTTP. */
export async function measureFairness(
  cli: string,
  env: Record<string, string>,
  folder: string,
  greedyJobs: number,
): Promise<FairFigures> {
  let submits = 0;
  const upstream = createServer(async (incoming, outgoing) => {
    incoming.resume();
    await pause(TAKES_MS);
    const path = incoming.url ?? "";
    if (path.startsWith("/m/")) {
      outgoing.writeHead(200, { "content-type": "image/png", "content-length": PICTURE.length });
      return outgoing.end(PICTURE);
    }
    const isSubmit = incoming.method === "POST";
    const request_id = isSubmit
      ? `longcat-image-498_019dabcd-0000-7000-8000-${String(submits++).padStart(12, "0")}`
      : path.split("/").at(-1);
    const media_url = [`http://${incoming.headers.host}/m/${request_id}.png`];
    const status = isSubmit ? "QUEUED" : "COMPLETED";
    outgoing.writeHead(isSubmit ? 202 : 200, { "content-type": "application/json" });
    return outgoing.end(JSON.stringify({ request_id, status, output: { media_url } }));
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const own = {
    ...env,
    PIXAZO_BASE_URL: `http://127.0.0.1:${port}`,
    LONGCAT_MCP_DATA_DIR: join(folder, "fair"),
    LONGCAT_MCP_POLL_FLOOR_MS: "20",
    LONGCAT_MCP_PREVIEWS: "off",
  };
  const add = (name: string) =>
    execFileSync(process.execPath, [cli, "users", "add", name], {
      ...{ env: own, encoding: "utf8" as const, stdio: "pipe" as const },
    });
  const [greedy, modest] = [add("greedy").trim(), add("modest").trim()];
  const ours = await serve([cli, "http", "--port", "0"], own);
  try {
    const start = async (token: string, prompt: string, wait_seconds: number) => {
      const args = { prompt, image_size: "square_1_1", wait_seconds };
      const params = { name: "longcat_image_generate", arguments: args };
      const reply = await fetch(ours.url, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
      });
      return reply.text();
    };
    const modestMs = async (times: number) => {
      const took: number[] = [];
      for (let n = 0; n < times; n++) {
        const began = performance.now();
        const answer = await start(modest, `a cat ${times} ${n}`, 45);
        if (answer.includes("completed in")) took.push(performance.now() - began);
      }
      return median(took);
    };
    await modestMs(3);
    const aloneMs = await modestMs(9);
    const flood = Promise.all(
      Array.from({ length: greedyJobs }, (_, n) => start(greedy, `everything ${n}`, 0)),
    );
    const besideMs = await modestMs(9);
    await flood;
    return { aloneMs, besideMs };
  } finally {
    await end(ours.child);
    upstream.closeAllConnections();
    upstream.close();
  }
}
