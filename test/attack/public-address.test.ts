import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request as send } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { PublicListener } from "../../src/transports/public-listener.ts";
import { textOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { picture } from "../support/pictures.ts";
import { freePortPair, openTunnel, type Tunnel } from "../support/tunnel.ts";

const LIST = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
const MCP_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
/** As proxies, tunnels and content networks send them, in whatever case. */
const FORWARDED = [
  ["Forwarded", "for=203.0.113.9;proto=https"],
  ["X-Forwarded-For", "203.0.113.9"],
  ["x-forwarded-host", "files.example"],
  ["X-FORWARDED-PROTO", "https"],
  ["X-Forwarded-Port", "443"],
  ["X-Forwarded-Prefix", "/x"],
  ["X-Forwarded-Anything-New", "1"],
  ["X-Forwarded", "for=203.0.113.9"],
  ["X_Forwarded_For", "203.0.113.9"],
  ["X-Real-IP", "203.0.113.9"],
  ["Via", "1.1 caddy"],
  ["X-Client-IP", "203.0.113.9"],
  ["CF-Connecting-IP", "203.0.113.9"],
  ["CF-Ray", "8a-FRA"],
  ["CDN-Loop", "cloudflare"],
  ["True-Client-IP", "203.0.113.9"],
  ["X-Cluster-Client-IP", "203.0.113.9"],
  ["X-Original-URL", "/mcp"],
  ["X-Original-Forwarded-For", "203.0.113.9"],
  ["X-Original-Host", "files.example"],
  ["Fly-Client-IP", "203.0.113.9"],
  ["Fastly-Client-IP", "203.0.113.9"],
  ["X-Envoy-External-Address", "203.0.113.9"],
  ["X-Azure-ClientIP", "203.0.113.9"],
  ["X-Amzn-Trace-Id", "Root=1"],
  ["Tailscale-User-Login", "someone@example.com"],
  ["X-Remote-IP", "203.0.113.9"],
  ["X-ProxyUser-Ip", "203.0.113.9"],
  ["Client-IP", "203.0.113.9"],
  ["X-Rewrite-URL", "/mcp"],
] as const;

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** A request as it is, also with headers that `fetch` would not send. */
async function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const request = send({ host: "127.0.0.1", port, path, agent: false, ...options });
  request.end(options.body);
  const [reply] = await once(request, "response");
  let body = "";
  for await (const chunk of reply) body += chunk;
  return { status: reply.statusCode, headers: reply.headers, body };
}

const listTools = (port: number, headers: Record<string, string> = {}, path = "/mcp") =>
  ask(port, path, {
    method: "POST",
    headers: { ...MCP_HEADERS, ...headers },
    body: JSON.stringify(LIST),
  });

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

describe("over HTTP with a public address", () => {
  let port: number;
  let publicPort: number;
  let tunnel: Tunnel;
  let client: McpClient;

  beforeEach(async () => {
    port = await freePortPair();
    publicPort = port + 1;
    tunnel = await openTunnel(publicPort);
    ({ client } = await bench.connect("sdk 1.x", "http", {
      LONGCAT_MCP_PORT: String(port),
      LONGCAT_MCP_PUBLIC_URL: tunnel.url,
    }));
  });
  afterEach(() => tunnel.close());

  test("a reverse proxy before the server's own port, which calls itself loopback, gets nothing", async () => {
    tunnel.port = port;
    const reply = await fetch(`${tunnel.url}/mcp`, {
      method: "POST",
      headers: MCP_HEADERS,
      body: JSON.stringify(LIST),
    });
    expect(reply.status).toBe(403);
    expect(await reply.json()).toMatchObject({
      jsonrpc: "2.0",
      id: null,
      error: { message: expect.stringContaining("LONGCAT_MCP_PUBLIC_PORT") },
    });
  });

  test("whatever a proxy adds is refused on every route but the health check", async () => {
    expect((await listTools(port)).body).toContain("z_image_turbo_generate");
    for (const [name, value] of FORWARDED) {
      for (const path of ["/mcp", "/mcp/", "/", "/files/x", "/anything"]) {
        const { status, body } = await listTools(port, { [name]: value }, path);
        expect(`${name} ${path} ${status}`).toBe(`${name} ${path} 403`);
        expect(JSON.parse(body).error.message).toContain(name.toLowerCase());
      }
      const health = await ask(port, "/healthz", { headers: { [name]: value } });
      expect(health.status).toBe(200);
    }
  });

  test("what clients on this machine send passes", async () => {
    const own = { "mcp-session-id": "1", traceparent: "00-1", "x-request-id": "1", dnt: "1" };
    expect((await listTools(port, own)).status).toBe(200);
  });

  test("a host or an origin from elsewhere is still refused, saying what to do", async () => {
    for (const headers of [{ host: "files.example" }, { origin: "https://files.example" }]) {
      const { status, body } = await listTools(port, headers);
      expect(status).toBe(403);
      expect(body).toContain("LONGCAT_MCP_PUBLIC_PORT");
    }
  });

  test("hosted files are nowhere on the server's port, and nothing else is on theirs", async () => {
    bench.sandbox.faults.add({ kind: "job-stuck" });
    await writeFile(join(bench.folder, "a.png"), await picture());
    await client.call("qwen_image_layered", { image_url: "a.png", wait_seconds: 0 });
    const [sent = ""] = sentUrls(bench);
    const path = new URL(sent).pathname;
    expect((await ask(publicPort, path)).status).toBe(200);
    expect((await fetch(sent)).status).toBe(200);
    const own = await ask(port, path);
    expect(own.status).toBe(404);
    expect(own.body).toContain("/mcp");
    for (const other of ["/", "/mcp", "/mcp/", "/healthz", "/metrics", "/files", "//files/x"]) {
      for (const method of ["GET", "POST", "OPTIONS", "TRACE"]) {
        const { status, body } = await ask(publicPort, other, { method });
        expect(`${method} ${other} ${status} ${body}`).toBe(`${method} ${other} 404 `);
      }
    }
    expect((await listTools(publicPort)).status).toBe(404);
    expect((await listTools(publicPort, {}, path)).status).toBe(405);
    const { headers } = await ask(publicPort, path, { method: "DELETE" });
    expect(headers).toMatchObject({ allow: "GET, HEAD", "x-content-type-options": "nosniff" });
    expect(Object.keys(headers)).not.toContain("server");
    expect(Object.keys(headers)).not.toContain("x-powered-by");
  });

  test("no path leads out of the folder of hosted files", async () => {
    const names = ["jobs.db", "key", "staging", "..%2fjobs.db", "../jobs.db", "%2e%2e/jobs.db", ""];
    const odd = [`${"a".repeat(26)}.png`, `${"a".repeat(26)}.png.partial`, "a\\..\\jobs.db", "%00"];
    for (const name of [...names, ...odd]) {
      expect(`${name} ${(await ask(publicPort, `/files/${name}`)).status}`).toBe(`${name} 404`);
    }
  });

  test("a tunnel that still leads to the server's port is noticed before anything is bought", async () => {
    tunnel.port = port;
    await writeFile(join(bench.folder, "a.png"), await picture());
    const result = await client.call("qwen_image_layered", { image_url: "a.png" });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^configuration: /);
    expect(textOf(result)).toContain(`http://127.0.0.1:${publicPort}, `);
    expect(bench.posts).toBe(0);
    tunnel.port = publicPort;
    const again = await client.call("qwen_image_layered", { image_url: "a.png", wait_seconds: 0 });
    expect(textOf(again)).not.toMatch(/^configuration|failed/);
    expect(bench.posts).toBe(1);
  });

  test("/mcp/ is /mcp, and / says where to connect", async () => {
    expect((await listTools(port, {}, "/mcp/")).body).toContain("z_image_turbo_generate");
    const { status, body } = await ask(port, "/");
    expect(status).toBe(200);
    expect(body).toMatch(new RegExp(`^longcat-mcp .*http://127\\.0\\.0\\.1:${port}/mcp\\n$`));
  });
});

test("a public port that a stranger has, or the server itself, ends the start with one line", async () => {
  const port = await freePortPair();
  const stranger = createServer();
  stranger.listen(port + 1, "127.0.0.1");
  await once(stranger, "listening");
  onTestFinished(() => void stranger.close());
  stranger.on("connection", (socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
  for (const [url, words] of [
    ["https://files.example", `Port ${port + 1} is used by another program`],
    [`http://127.0.0.1:${port}`, `leads to port ${port}, where MCP is served`],
  ] as const) {
    const program = bench.launch(["http", "--port", String(port)], { LONGCAT_MCP_PUBLIC_URL: url });
    expect(await program.exited()).toBe(2);
    expect(program.stderr).toContain(words);
    expect(program.stderr).toContain("LONGCAT_MCP_PUBLIC_PORT");
  }
});

test("processes share a public port, and another takes it over when one is killed", async () => {
  const port = await freePortPair();
  const env = {
    LONGCAT_MCP_PUBLIC_URL: `http://127.0.0.1:${port}`,
    LONGCAT_MCP_PUBLIC_PORT: String(port),
  };
  bench.sandbox.faults.add({ kind: "job-stuck", times: 0 });
  await writeFile(join(bench.folder, "a.png"), await picture());
  const first = await bench.connect("sdk 1.x", "stdio", env);
  await first.client.call("qwen_image_layered", { image_url: "a.png", wait_seconds: 0 });
  const second = bench.launch(["http", "--port", "0"], env);
  await listeningUrl(second);
  const [sent = ""] = sentUrls(bench);
  expect((await fetch(sent)).status).toBe(200);
  await first.program.kill("SIGKILL");
  await expect
    .poll(
      () =>
        fetch(sent).then(
          (reply) => reply.status,
          () => 0,
        ),
      PATIENTLY,
    )
    .toBe(200);
});

describe("strangers who take their time, or too much", () => {
  const open = async (headersMs?: number) => {
    const listener = new PublicListener({
      host: "127.0.0.1",
      ports: [0],
      basePath: "",
      routes: [
        {
          prefix: "/files/",
          answer: async (_, response) => void response.end("hello"),
        },
      ],
      isOurs: async () => false,
      ...(headersMs === undefined ? {} : { headersMs }),
      clock: systemClock,
      onError: () => {},
    });
    onTestFinished(() => listener.close());
    return Number(new URL(await listener.open()).port);
  };
  /** What comes back until the other side ends the connection. */
  const talk = async (port: number, ...words: string[]) => {
    const socket = connect(port, "127.0.0.1");
    let said = "";
    socket.on("data", (chunk) => {
      said += String(chunk);
    });
    socket.on("error", () => {});
    for (const word of words) socket.write(word);
    await once(socket, "close");
    return said;
  };

  test("a request that never comes to its end is cut", async () => {
    const port = await open(50);
    expect(await talk(port, "GET /files/x HTTP/1.1\r\nHost: a\r\nX-A")).toMatch(/^HTTP\/1\.1 408/);
    expect(await talk(port)).toMatch(/^(?:HTTP\/1\.1 408|$)/);
    expect(
      await talk(port, "POST /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nab"),
    ).toMatch(/^HTTP\/1\.1 405/);
  });

  test("headers without end are refused", async () => {
    const port = await open();
    const many = `GET /files/x HTTP/1.1\r\nHost: a\r\n${"X-A: 1\r\n".repeat(5_000)}`;
    expect(await talk(port, many)).toMatch(/^HTTP\/1\.1 431/);
    const long = `GET /files/${"a".repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    expect(await talk(port, long)).toMatch(/^HTTP\/1\.1 431/);
    expect(await talk(port, "\u0000\u0001 nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await talk(port, "CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n")).toBe("");
    const good = "GET /files/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect(await talk(port, good)).toMatch(/^HTTP\/1\.1 200/);
  });
});

function sentUrls(bench: Bench): string[] {
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  return [...JSON.stringify(posts.at(-1)?.body ?? "").matchAll(/"(http[^"]*\/files\/[^"]*)"/g)].map(
    (match) => match[1] ?? "",
  );
}
