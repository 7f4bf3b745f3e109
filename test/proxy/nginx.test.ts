import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { bearer, PING } from "../support/http-server.ts";
import { startBehindNginx } from "./behind-nginx.ts";

/* nginx, as docs/hosting.md has it, in front of the built program and two users. */

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

test("two users behind nginx with TLS, and nobody else", async () => {
  const tokens = { ada: await bench.addUser("ada"), ben: await bench.addUser("ben") };
  const proxied = await startBehindNginx(bench);
  try {
    const url = new URL("/mcp", proxied.origin);
    const send = async (headers: Record<string, string>) => {
      const reply = await proxied.fetch(url, {
        method: "POST",
        body: JSON.stringify(PING),
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      });
      await reply.body?.cancel();
      return reply;
    };
    const refused = await send({});
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect((await send(bearer(`${tokens.ada.slice(0, -1)}x`))).status).toBe(401);

    const connect = async (token: string) => {
      const client = new ModernClient(
        { name: "behind", version: "1" },
        { versionNegotiation: { mode: { pin: "2026-07-28" } } },
      );
      const requestInit = { headers: bearer(token) };
      const fetch = (to: string | URL, init?: RequestInit) =>
        proxied.fetch(to, init as never) as never;
      await client.connect(new ModernHttp(url, { requestInit, fetch }));
      return client;
    };
    const [ada, ben] = [await connect(tokens.ada), await connect(tokens.ben)];
    const heard: string[] = [];
    ada.fallbackNotificationHandler = async ({ method }) => void heard.push(method);
    await ada.listen({ resourcesListChanged: true });
    const args = { prompt: "A fox", image_size: "square_1_1", wait_seconds: 40 };
    const made = JSON.stringify(
      await ada.callTool({ name: "longcat_image_generate", arguments: args }),
    );
    expect(made).toContain("completed");
    const jobId = /job_[a-z2-7]{26}/.exec(made)?.[0] ?? "";
    await expect.poll(() => heard, PATIENTLY).toContain("notifications/resources/list_changed");
    const look = { name: "job_status", arguments: { job_id: jobId } };
    expect(JSON.stringify(await ben.callTool(look))).toContain("not_found");
    await Promise.all([ada.close(), ben.close()]);

    // A strange page is refused, whoever's token it has.
    const direct = (headers: Record<string, string>) =>
      fetch(proxied.direct, {
        method: "POST",
        headers: { "content-type": "application/json", ...bearer(tokens.ada), ...headers },
        body: JSON.stringify(PING),
      });
    expect((await direct({ origin: "https://evil.example" })).status).toBe(403);
  } finally {
    await proxied.close();
  }
});
