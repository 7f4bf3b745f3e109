import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench, PATIENTLY, TEST_KEY } from "./harness.ts";

const TURBO = { prompt: "A small boat at sea", image_size: "landscape_4_3" };
const fixture = (name: string) => resolve(import.meta.dirname, "../fixtures", name);

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test("HTTPS_PROXY is used for the gateway, and sees no key", async () => {
  let seen = "";
  const proxy = createTcpServer((socket) => {
    socket.once("data", (head) => {
      seen += head.toString("latin1");
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  try {
    const { client } = await bench.connect("sdk 1.x", "stdio", {
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      PIXAZO_BASE_URL: "https://gateway.example",
    });
    const result = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
    expect(seen).toMatch(/^CONNECT gateway\.example:443 HTTP\/1\.1\r\n/);
    expect(seen).not.toContain(TEST_KEY);
    expect(textOf(result)).toMatch(
      / is queued for .*Not taken yet: The provider could not be reached/,
    );
    const cancelled = await client.call("job_cancel", { job_id: jobIdOf(result) });
    expect(textOf(cancelled)).toMatch(/is cancelled; nothing was sent or charged/);
  } finally {
    proxy.close();
  }
});

describe("a gateway behind a private certificate authority", () => {
  const upstream = createHttpsServer(
    {
      key: readFileSync(fixture("loopback-key.pem")),
      cert: readFileSync(fixture("loopback-cert.pem")),
    },
    (_, reply) => reply.writeHead(401, { "content-type": "application/json" }).end("{}"),
  );

  beforeEach(async () => {
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
  });

  afterEach(() => {
    upstream.closeAllConnections();
    upstream.close();
  });

  const baseUrl = () => `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`;

  test("is trusted with NODE_EXTRA_CA_CERTS", async () => {
    const { client } = await bench.connect("sdk 1.x", "stdio", {
      PIXAZO_BASE_URL: baseUrl(),
      NODE_EXTRA_CA_CERTS: fixture("loopback-cert.pem"),
    });
    const result = await client.call("z_image_turbo_generate", TURBO);
    expect(textOf(result)).toMatch(/ failed: unauthorized: /);
  });

  test("is not sent anything without", async () => {
    let requests = 0;
    upstream.on("request", () => requests++);
    const { client } = await bench.connect("sdk 1.x", "stdio", { PIXAZO_BASE_URL: baseUrl() });
    const result = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
    expect(textOf(result)).toMatch(/Not taken yet: .*certificate/);
    expect(requests).toBe(0);
  });
});

test("asked to end while a purchase is in flight, the server lets it finish", async () => {
  bench.sandbox.faults.add({ kind: "slow", ms: 1000, match: { method: "POST" } });
  const first = await bench.connect("sdk 1.x");
  const call = first.client.call("z_image_turbo_generate", TURBO).catch(() => undefined);
  await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
  await first.program.kill("SIGTERM");
  await call;
  expect(first.program.child.exitCode).toBe(0);

  const { client } = await bench.connect("sdk 1.x");
  const listed = await client.call("job_list", {});
  expect(textOf(await finished(client, jobIdOf(listed)))).toMatch(/ completed in /);
  expect(bench.posts).toBe(1);
});

test("killed while a purchase is in flight, the job is unknown and never sent again", async () => {
  bench.sandbox.faults.add({ kind: "hang", match: { method: "POST" } });
  const first = await bench.connect("sdk 1.x");
  const call = first.client.call("z_image_turbo_generate", TURBO).catch(() => undefined);
  await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
  await first.program.kill("SIGKILL");
  await call;

  const { client } = await bench.connect("sdk 1.x");
  const listed = await client.call("job_list", {});
  const status = await client.call("job_status", { job_id: jobIdOf(listed) });
  expect(textOf(status)).toMatch(/ unknown: outcome_unknown: /);
  expect(bench.posts).toBe(1);
});

describe("on the built-in sandbox", () => {
  const env = { LONGCAT_MCP_SANDBOX: "true", PIXAZO_API_KEY: "", LONGCAT_MCP_SANDBOX_SPEED: "0.2" };

  test("no key is needed and the answer says that nothing was charged", async () => {
    const { client } = await bench.connect("client 2.x", "stdio", {
      ...env,
      LONGCAT_MCP_SANDBOX_SPEED: "20",
    });
    const result = await client.call("z_image_turbo_generate", TURBO);
    expect(textOf(result)).toContain("SANDBOX, nothing was charged.");
    expect(bench.posts).toBe(0);
  });

  test("a job whose sandbox has ended is errored, not charged", async () => {
    const first = await bench.connect("sdk 1.x", "stdio", env);
    const started = await first.client.call("z_image_turbo_generate", {
      ...TURBO,
      wait_seconds: 0,
    });
    await first.program.kill("SIGKILL");
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const status = await client.call("job_status", { job_id: jobIdOf(started) });
    expect(textOf(status)).toMatch(
      / errored: .*sandbox that has ended[\s\S]*SANDBOX, nothing was charged/,
    );
  });
});
