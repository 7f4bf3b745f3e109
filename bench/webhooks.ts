import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { freePort } from "../test/support/free-port.ts";
import { median, Program } from "./child.ts";

/** How long the provider takes for each of some jobs: between the looks of a poller, as it falls. */
const TAKES_MS = [3_300, 3_900, 4_600, 5_400, 6_300, 7_100, 8_200];
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

export interface WebhookFigures {
  /** From the provider's completion to the answer that says so, where it tells by webhook. */
  toldMs: number;
  /** The same where nobody tells. */
  polledMs: number;
}

/** The same jobs with a provider that sends webhooks, and with one that does not. */
export async function measureWebhooks(
  cli: string,
  env: Record<string, string>,
  folder: string,
): Promise<WebhookFigures> {
  const measure = (tells: boolean) =>
    delays(cli, { ...env, LONGCAT_MCP_DATA_DIR: join(folder, `webhooks-${tells}`) }, tells);
  const [told, polled] = [await measure(true), await measure(false)];
  return { toldMs: median(told), polledMs: median(polled) };
}

/** For each job the time from its completion there to its completion here, in milliseconds. */
async function delays(cli: string, env: Record<string, string>, tells: boolean): Promise<number[]> {
  const endedAt = new Map<string, number>();
  const upstream = createServer((incoming, outgoing) => {
    incoming.resume();
    const path = incoming.url ?? "";
    if (path.startsWith("/m/")) {
      outgoing.writeHead(200, { "content-type": "image/png", "content-length": PICTURE.length });
      return outgoing.end(PICTURE);
    }
    const answer = (status: number, body: object) => {
      outgoing.writeHead(status, { "content-type": "application/json" });
      outgoing.end(JSON.stringify(body));
    };
    if (incoming.method !== "POST") {
      const request_id = path.split("/").at(-1) ?? "";
      const media_url = [`http://${incoming.headers.host}/m/${request_id}.png`];
      const isOver = endedAt.has(request_id);
      return answer(200, {
        request_id,
        status: isOver ? "COMPLETED" : "PROCESSING",
        ...(isOver ? { output: { media_url } } : {}),
      });
    }
    const nth = started++;
    const request_id = `longcat-image-498_019dabcd-0000-7000-8000-${String(nth).padStart(12, "0")}`;
    const webhook = incoming.headers["x-webhook-url"];
    setTimeout(() => {
      endedAt.set(request_id, performance.now());
      if (!tells || typeof webhook !== "string") return;
      const body = JSON.stringify({ request_id, status: "COMPLETED" });
      const headers = { "content-type": "application/json" };
      void fetch(webhook, { method: "POST", headers, body }).catch(() => undefined);
    }, TAKES_MS[nth] ?? 0);
    return answer(202, { request_id, status: "QUEUED" });
  });
  let started = 0;
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const program = new Program([cli], {
    ...env,
    PIXAZO_BASE_URL: `http://127.0.0.1:${port}`,
    LONGCAT_MCP_PUBLIC_PORT: String(await freePort()),
    LONGCAT_MCP_PREVIEWS: "off",
  });
  try {
    await program.initialize();
    return await Promise.all(
      TAKES_MS.map(async (_, n) => {
        const args = { prompt: `a cat ${n}`, image_size: "square_1_1", wait_seconds: 45 };
        const params = { name: "longcat_image_generate", arguments: args };
        const answer = JSON.stringify(await program.request("tools/call", params));
        const answeredAt = performance.now();
        const [requestId = ""] = /longcat-image-498_[0-9a-f-]{36}/.exec(answer) ?? [];
        return answeredAt - (endedAt.get(requestId) ?? Number.NaN);
      }),
    );
  } finally {
    await program.end();
    upstream.closeAllConnections();
    upstream.close();
  }
}
