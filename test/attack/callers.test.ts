import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { postMessage } from "../support/http-callers.ts";
import { bearer, PING } from "../support/http-server.ts";
import { Issuer } from "../support/issuer.ts";

/* The built program over HTTP, whose callers say who they are. */

const AUDIENCE = "https://mcp.example.com/mcp";
const LISTEN = {
  jsonrpc: "2.0",
  id: 7,
  method: "subscriptions/listen",
  params: {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    },
    notifications: { resourcesListChanged: true },
  },
};

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

async function users(...words: string[]): Promise<string> {
  const { code, said, stderr } = await bench.run(["users", ...words]);
  expect(code, stderr).toBe(0);
  return said;
}

async function serve(env: Record<string, string> = {}, ...more: string[]) {
  const program = bench.launch(["http", "--port", "0", ...more], env);
  const url = await listeningUrl(program);
  url.hostname = "127.0.0.1";
  const send = (message: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    postMessage(url, message, headers, signal);
  const status = async (token?: string) =>
    (await send(PING, token === undefined ? {} : bearer(token))).status;
  /** Resolves when a stream of events, opened with a token, has ended. */
  const listening = async (token?: string) => {
    const reply = await send(LISTEN, {
      ...(token === undefined ? {} : bearer(token)),
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    });
    expect(reply.status).toBe(200);
    const reader = reply.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    const state = { isOver: false };
    const read = async () => {
      while (!(await reader?.read())?.done);
    };
    void read()
      .catch(() => undefined)
      .finally(() => {
        state.isOver = true;
      });
    return state;
  };
  return { program, url, send, status, listening };
}

describe("tokens", () => {
  test("are asked for from the first user on, in a running server as well, and for ever", async () => {
    const first = await serve();
    expect(await first.status()).toBe(200);
    expect(first.program.stderr).toContain("No users: every program and account of this machine");
    const early = await first.listening();
    const token = await users("add", "ada");
    expect(await first.status()).toBe(401);
    await expect.poll(() => early.isOver, PATIENTLY).toBe(true);
    expect(await first.status(token)).toBe(200);

    await users("revoke", "ada");
    expect(await first.status()).toBe(401);
    expect(await first.status(token)).toBe(401);
    await first.program.kill("SIGTERM");
    const second = await serve();
    expect(await second.status()).toBe(401);
    expect(second.program.stderr).not.toContain("No users");
    for (const name of ["jobs.db", "jobs.db-wal", "jobs.db-shm", "closed"]) {
      await rm(join(bench.dataDir, name), { force: true });
    }
    expect(await second.status()).toBe(401);
    expect(await second.status(token)).toBeGreaterThanOrEqual(401);
  });

  test("that are revoked or replaced end what is open with them, and nothing of others", async () => {
    const [ada, ben] = [await users("add", "ada"), await users("add", "ben")];
    const server = await serve();
    const [adas, bens] = [await server.listening(ada), await server.listening(ben)];
    const next = await users("rotate", "ada");
    await expect.poll(() => adas.isOver, PATIENTLY).toBe(true);
    expect([await server.status(ada), await server.status(next)]).toEqual([401, 200]);
    const again = await server.listening(next);
    await users("revoke", "ada");
    await expect.poll(() => again.isOver, PATIENTLY).toBe(true);
    expect(await server.status(next)).toBe(401);
    expect(bens.isOver).toBe(false);
    expect(await server.status(ben)).toBe(200);
    expect(server.program.stderr).not.toContain(next);
  });

  test("make both generations of clients two users, who see nothing of each other", async () => {
    const tokens = { ada: await users("add", "ada"), ben: await users("add", "ben") };
    const { url } = await serve();
    const init = (token: string) => ({ requestInit: { headers: bearer(token) } });
    const ada = new Client({ name: "old", version: "1" });
    const transport = new StreamableHTTPClientTransport(url, init(tokens.ada));
    // Its optional fields are not declared as the client wants them.
    await ada.connect(transport as never);
    const ben = new ModernClient(
      { name: "new", version: "1" },
      { versionNegotiation: { mode: { pin: "2026-07-28" } } },
    );
    await ben.connect(new ModernHttp(url, init(tokens.ben)));
    const args = { prompt: "A fox", image_size: "square_1_1", wait_seconds: 40 };
    const made = JSON.stringify(
      await ada.callTool({ name: "longcat_image_generate", arguments: args }),
    );
    const jobId = /job_[a-z2-7]{26}/.exec(made)?.[0] ?? "";
    expect(made).toContain("completed");
    expect(made).not.toContain(bench.folder);
    const look = { name: "job_status", arguments: { job_id: jobId } };
    expect(JSON.stringify(await ada.callTool(look))).toContain("completed");
    expect(JSON.stringify(await ben.callTool(look))).toContain(`not_found`);
    const list = { name: "job_list", arguments: {} };
    expect(JSON.stringify(await ben.callTool(list))).not.toContain(jobId);
    await Promise.all([ada.close(), ben.close()]);
  });
});

test("elsewhere than on loopback it listens with users only, and says that it is in clear", async () => {
  const refused = bench.launch(["http", "--port", "0", "--host", "0.0.0.0"]);
  await refused.exited();
  expect(refused.child.exitCode).toBe(2);
  expect(refused.stderr).toContain("users add NAME");
  const token = await users("add", "ada");
  const server = await serve({}, "--host", "0.0.0.0");
  expect(server.program.stderr).toContain("0.0.0.0 is served in clear");
  expect(server.program.stderr).toContain("LONGCAT_MCP_ALLOWED_HOSTS");
  expect([await server.status(), await server.status(token)]).toEqual([401, 200]);
});

test("an issuer that is down stops neither the start nor tokens; its logins end in time", async () => {
  const issuer = await Issuer.open();
  issuer.isDown = true;
  const token = await users("add", "ada", "--subject", "ada@example.com");
  const server = await serve({
    LONGCAT_MCP_OAUTH_ISSUER: issuer.url,
    LONGCAT_MCP_OAUTH_AUDIENCE: AUDIENCE,
  });
  const login = (sub: string, seconds: number, more: object = {}) =>
    issuer.token({
      ...{ iss: issuer.url, aud: AUDIENCE, sub, scope: "jobs:read" },
      exp: Math.floor(Date.now() / 1000) + seconds,
      ...more,
    });
  expect([await server.status(), await server.status(token)]).toEqual([401, 200]);
  expect(await server.status(await login("ben", 300))).toBe(503);
  issuer.isDown = false;
  await expect.poll(async () => server.status(await login("ben", 300)), PATIENTLY).toBe(200);
  expect(await server.status(await login("ben", 300, { aud: "https://other.example" }))).toBe(401);
  const short = await server.listening(await login("ben", 3));
  const bound = await server.listening(await login("ada@example.com", 3_000));
  await expect.poll(() => short.isOver, PATIENTLY).toBe(true);
  expect(bound.isOver).toBe(false);
  await users("revoke", "ada");
  await expect.poll(() => bound.isOver, PATIENTLY).toBe(true);
  expect(await server.status(await login("ada@example.com", 300))).toBe(401);
});
