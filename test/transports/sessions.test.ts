import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { uris } from "../../src/core/uris.ts";
import { IDLE_MS } from "../../src/sessions/session-record.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { bearer, openHttpServer, PING } from "../support/http-server.ts";
import {
  begin,
  capabilitiesIn,
  EVENTS,
  INITIALIZE,
  listen,
  MODERN,
  MODERN_HEADERS,
  open,
  SECOND,
  statusOf,
} from "../support/http-sessions.ts";
import { leftJob, summaryOf } from "../support/rig.ts";

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

  it("has nothing open a second after its token, and goes on with a later one of the same user", async () => {
    const clock = new FakeClock();
    const ends = new Set<string>();
    const server = await open({ clock }, ends);
    const session = await begin(server);
    const stream = await listen(server, session);
    ends.add("ada");
    await clock.advance(SECOND);
    await stream.text().catch(() => "broken off");
    expect(await statusOf(server, { ...session, ...bearer("ada-next") })).toBe(200);
    expect(await statusOf(server, { ...session, ...bearer("ben") })).toBe(404);
  });
});
