import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ElicitRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { scopesIn } from "../../src/core/caller.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { uris } from "../../src/core/uris.ts";
import type { HttpServers } from "../../src/server.ts";
import { IDLE_MS } from "../../src/transports/http/http-session.ts";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import {
  bearer,
  credential,
  type HttpServer,
  type HttpServerOptions,
  KnownTokens,
  openHttpServer,
  PING,
  remoteCaller,
  unwatched,
} from "../support/http-server.ts";
import { leftJob, summaryOf } from "../support/rig.ts";

const SECOND = 1_000;
const JSON_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-11-25",
};
const EVENTS = { accept: "text/event-stream" };
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};
const MODERN = {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/list",
  params: {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    },
  },
};
const MODERN_HEADERS = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };

/** What ada's and ben's tokens may do; `ends` says of which tokens nothing is to hold any more. */
function open(more: HttpServerOptions = {}, ends = new Set<string>()): Promise<HttpServer> {
  const token = (id: string, caller = remoteCaller("ada")) => ({
    [id]: credential(caller, { id, holds: async () => !ends.has(id) }),
  });
  const authenticator = new KnownTokens({
    ...token("ada"),
    ...token("ada-next"),
    ...token("ada-reads", remoteCaller("ada", { scopes: scopesIn(["jobs:read"]) })),
    ...token("ben", remoteCaller("ben")),
  });
  return openHttpServer({ authenticator }, { sessions: { most: 3 }, ...more });
}

async function begin(server: HttpServer, token = "ada"): Promise<Record<string, string>> {
  const reply = await server.send(INITIALIZE, bearer(token));
  await reply.text();
  expect(reply.status).toBe(200);
  return { ...bearer(token), "mcp-session-id": reply.headers.get("mcp-session-id") ?? "" };
}

const statusOf = async (server: HttpServer, session: Record<string, string>) => {
  const reply = await server.send(PING, session);
  await reply.text();
  return reply.status;
};
const listen = (server: HttpServer, session: Record<string, string>) =>
  server.ask("/mcp", { headers: { ...EVENTS, ...session } });

async function capabilitiesIn(reply: Response): Promise<unknown> {
  const text = /\{.*\}/.exec(await reply.text())?.[0] ?? "{}";
  return JSON.parse(text).result.capabilities;
}

/** Servers with a tool that asks the user, and one that waits until its call is taken back. */
function asking(onEnd: () => void): HttpServers {
  return {
    markOf: () => () => undefined,
    lackingScope: () => undefined,
    createFor: async ({ leaving }) => {
      const server = new McpServer({ name: "asking", version: "1" });
      server.registerTool("ask", {}, async ({ mcpReq }) => {
        const token = mcpReq._meta?.progressToken ?? 0;
        const params = { progressToken: token, progress: 1, message: "asking" };
        await mcpReq.notify({ method: "notifications/progress", params });
        const answer = await mcpReq.elicitInput({
          message: "Go on?",
          requestedSchema: { type: "object", properties: {} },
        });
        return { content: [{ type: "text", text: answer.action }] };
      });
      server.registerTool("wait", {}, ({ mcpReq }) => {
        const over = AbortSignal.any([mcpReq.signal, ...(leaving ? [leaving] : [])]);
        return new Promise((resolve) => {
          over.addEventListener("abort", () => {
            onEnd();
            resolve({ content: [{ type: "text", text: "taken back" }] });
          });
        });
      });
      return server;
    },
  };
}

const WAIT = { jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "wait" } };

describe("without sessions", () => {
  it("no id is given, no news is promised, and there is no stream to hear it", async () => {
    const server = await openHttpServer(undefined);
    const reply = await server.send(INITIALIZE);
    expect(reply.headers.get("mcp-session-id")).toBeNull();
    expect(await capabilitiesIn(reply)).toMatchObject({ resources: { listChanged: false } });
    expect((await server.ask("/mcp", { headers: EVENTS })).status).toBe(405);
    expect((await server.ask("/mcp", { method: "DELETE" })).status).toBe(405);
  });
});

describe("a session", () => {
  it("promises news and tells them, through a library of that era", async () => {
    const server = await openHttpServer(undefined, { sessions: { most: 3 } });
    const transport = new StreamableHTTPClientTransport(new URL(`${server.origin}/mcp`));
    const client = new Client({ name: "test", version: "1" });
    const heard: string[] = [];
    let isTold = () => {};
    const told = new Promise<void>((resolve) => {
      isTold = resolve;
    });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      heard.push(params.uri);
      if (heard.includes("list")) isTold();
    });
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
      heard.push("list");
      isTold();
    });
    await client.connect(transport as never);
    expect(transport.sessionId).toMatch(/^[a-z2-7]{26}$/);
    expect(client.getServerCapabilities()?.resources).toEqual({
      subscribe: true,
      listChanged: true,
    });
    const left = leftJob({ owner: LOCAL_CALLER.owner, baseUrl: "https://gateway.example" });
    const job = { ...summaryOf(left), media: [], state: "queued" as const };
    await client.subscribeResource({ uri: uris.job(job.jobId) });
    server.events.publish(job);
    await told;
    expect(heard.sort()).toEqual(["list", uris.job(job.jobId)].sort());
    await transport.terminateSession();
    await expect(client.ping()).rejects.toThrow();
    await client.close();
  });

  it("is needed where there are any, by clients of its era alone", async () => {
    const server = await open();
    const refused = await server.send(PING, bearer("ada"));
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("Mcp-Session-Id is required");
    expect((await listen(server, bearer("ada"))).status).toBe(400);
    const modern = await server.send(MODERN, { ...bearer("ada"), ...MODERN_HEADERS });
    expect(modern.status).toBe(200);
    expect(modern.headers.get("mcp-session-id")).toBeNull();
  });

  it("is nobody else's: another user is answered as if there were none", async () => {
    const server = await open();
    const session = await begin(server);
    const unknown = await server.send(PING, { ...bearer("ada"), "mcp-session-id": "nowhere" });
    const words = await unknown.text();
    expect(unknown.status).toBe(404);
    for (const token of ["ben", "ada-reads"]) {
      const stolen = { ...session, ...bearer(token) };
      const reply = await server.send(PING, stolen);
      expect([reply.status, await reply.text()]).toEqual([404, words]);
      expect((await listen(server, stolen)).status).toBe(404);
      const farewell = await server.ask("/mcp", { method: "DELETE", headers: stolen });
      expect(farewell.status).toBe(404);
    }
    expect(await statusOf(server, { ...session, ...bearer("ada-next") })).toBe(200);
  });

  it("ends when its client says so, with its stream", async () => {
    const server = await open();
    const session = await begin(server);
    const stream = await listen(server, session);
    expect(stream.status).toBe(200);
    const farewell = await server.ask("/mcp", { method: "DELETE", headers: session });
    expect(farewell.status).toBe(200);
    expect(await stream.text()).toBe("");
    expect(await statusOf(server, session)).toBe(404);
  });

  it("is not begun by what is no good beginning", async () => {
    const server = await open({ sessions: { most: 1 } });
    const session = await begin(server);
    const wrong = await server.send(INITIALIZE, { ...bearer("ben"), accept: "text/html" });
    expect(wrong.status).toBe(406);
    const again = await server.send(INITIALIZE, session);
    expect(again.status).toBe(400);
    expect(await statusOf(server, session)).toBe(200);
  });

  it("ends when it was not used for long, and not while somebody listens", async () => {
    const clock = new FakeClock();
    const server = await open({ clock });
    const [idle, listening] = [await begin(server), await begin(server)];
    // Held until the end: what nobody holds is ended with the garbage.
    const stream = await listen(server, listening);
    await settle();
    await clock.advance(IDLE_MS - SECOND);
    expect(await statusOf(server, idle)).toBe(200);
    await settle();
    await clock.advance(IDLE_MS - SECOND);
    expect(await statusOf(server, idle)).toBe(200);
    await settle();
    await clock.advance(IDLE_MS + SECOND);
    expect(await statusOf(server, idle)).toBe(404);
    expect(await statusOf(server, listening)).toBe(200);
    await stream.body?.cancel();
  });

  it("ends within a second of its token, and a later token keeps it", async () => {
    const clock = new FakeClock();
    const ends = new Set<string>();
    const server = await open({ clock }, ends);
    const [lost, kept] = [await begin(server), await begin(server)];
    expect(await statusOf(server, { ...kept, ...bearer("ada-next") })).toBe(200);
    ends.add("ada");
    await clock.advance(SECOND);
    const next = bearer("ada-next");
    expect(await statusOf(server, { ...lost, ...next })).toBe(404);
    expect(await statusOf(server, { ...kept, ...next })).toBe(200);
  });
});

describe("a call in a session", () => {
  it("can ask the user and tell its progress", async () => {
    const servers = asking(() => {});
    const server = await openHttpServer(undefined, { sessions: { most: 3 }, servers });
    const client = new Client(
      { name: "test", version: "1" },
      { capabilities: { elicitation: { form: {} } } },
    );
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "decline" }));
    const transport = new StreamableHTTPClientTransport(new URL(`${server.origin}/mcp`));
    await client.connect(transport as never);
    const told: unknown[] = [];
    const onprogress = (one: object) => told.push(one);
    const answer = await client.callTool({ name: "ask" }, undefined, { onprogress });
    expect(answer.content).toEqual([{ type: "text", text: "decline" }]);
    expect(told).toMatchObject([{ message: "asking" }]);
    await client.close();
  });

  it("is answered though its stream has broken off, to a client that comes back", async () => {
    const stopping = new AbortController();
    const servers = asking(() => {});
    const server = await open({ servers, stopping: stopping.signal });
    const session = await begin(server);
    const gone = new AbortController();
    const request = { headers: { ...session, ...JSON_HEADERS }, body: JSON.stringify(WAIT) };
    const broken = await server.ask("/mcp", { ...request, method: "POST", signal: gone.signal });
    const opening = await broken.body?.getReader().read();
    const eventId = /^id: (.+)$/m.exec(new TextDecoder().decode(opening?.value))?.[1] ?? "";
    gone.abort();
    await settle();
    const again = await server.ask("/mcp", {
      headers: { ...EVENTS, ...session, "last-event-id": eventId },
    });
    expect(again.status).toBe(200);
    stopping.abort();
    expect(await again.text()).toContain("taken back");
  });

  it("is called off with its session", async () => {
    let isOver = () => {};
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const server = await open({ servers: asking(isOver) });
    const session = await begin(server);
    const waiting = await server.send(WAIT, session);
    await server.ask("/mcp", { method: "DELETE", headers: session });
    await over;
    expect(await waiting.text()).not.toContain("result");
  });

  it("is answered when the server is asked to end, which ends streams in order", async () => {
    const stopping = new AbortController();
    const server = await open({ servers: asking(() => {}), stopping: stopping.signal });
    const session = await begin(server);
    const stream = await listen(server, session);
    const waiting = await server.send(WAIT, session);
    stopping.abort();
    const text = /\{.*\}/.exec(await waiting.text())?.[0] ?? "{}";
    const answered = z.looseObject({ result: z.unknown() }).parse(JSON.parse(text));
    expect(answered.result).toEqual({ content: [{ type: "text", text: "taken back" }] });
    await server.close();
    expect(await stream.text()).toBe("");
  });
});

describe("the number of sessions of one owner", () => {
  it("is bounded: the one that was not used for longest makes room", async () => {
    const server = await open();
    const all = [await begin(server), await begin(server), await begin(server)];
    const others = await begin(server, "ben");
    expect(await statusOf(server, all[0] ?? {})).toBe(200);
    all.push(await begin(server));
    const found = await Promise.all([...all, others].map((one) => statusOf(server, one)));
    expect(found).toEqual([200, 404, 200, 200, 200]);
  });

  it("leaves those that are in use, and refuses another", async () => {
    const server = await open({ sessions: { most: 1 } });
    const session = await begin(server);
    const stream = await listen(server, session);
    const refused = await server.send(INITIALIZE, bearer("ada"));
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await refused.text()).toContain("LONGCAT_MCP_MAX_STREAMS_PER_USER");
    expect(await statusOf(server, await begin(server, "ben"))).toBe(200);
    await stream.body?.cancel();
  });

  it("is bounded with its streams, which count as others do", async () => {
    const limits = new RateLimits({
      ...{ clock: new FakeClock(), requestsPerMinute: undefined, streams: 1, bodyBytes: 1e9 },
    });
    const server = await open({ limits, traffic: unwatched() });
    const [one, other] = [await begin(server), await begin(server)];
    const stream = await listen(server, one);
    expect(stream.status).toBe(200);
    expect((await listen(server, other)).status).toBe(429);
    await stream.body?.cancel();
  });
});
