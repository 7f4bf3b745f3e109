import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { bearer, openHttpServer, unwatched } from "../support/http-server.ts";
import {
  asking,
  begin,
  EVENTS,
  INITIALIZE,
  JSON_HEADERS,
  listen,
  open,
  statusOf,
  WAIT,
} from "../support/http-sessions.ts";

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
