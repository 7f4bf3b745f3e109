import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { uris } from "../../src/core/uris.ts";
import { MemorySessionRecord } from "../../src/sessions/memory-session-record.ts";
import { MOST_BEGINNING_BYTES } from "../../src/sessions/session-record.ts";
import { eventIdOf } from "../../src/transports/http/event-ids.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import {
  bearer,
  type HttpServer,
  type HttpServerOptions,
  openHttpServer,
} from "../support/http-server.ts";
import {
  asking,
  begin,
  EVENTS,
  INITIALIZE,
  JSON_HEADERS,
  listen,
  open,
  SECOND,
  statusOf,
  WAIT,
} from "../support/http-sessions.ts";
import { leftJob, summaryOf } from "../support/rig.ts";

/* Two servers on one record, as two processes are. */

const clock = () => new FakeClock();

function sharing(at: FakeClock, record = new MemorySessionRecord()): HttpServerOptions {
  return { clock: at, sessions: { most: 3, shared: async () => ({ record, clock: at }) } };
}

/** Lets time go by until something has come. */
async function meanwhile<T>(at: FakeClock, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) await at.advance(SECOND / 4);
  return work;
}

/** A client of that era whose requests go to servers by turns, as a balancer has it. */
async function balanced(servers: readonly HttpServer[], capabilities = {}) {
  let count = 0;
  const asked: string[] = [];
  const transport = new StreamableHTTPClientTransport(new URL("http://127.0.0.1/mcp"), {
    fetch: (url, init) => {
      const server = servers[count++ % servers.length];
      asked.push(`${init?.method} ${servers.indexOf(server as HttpServer)}`);
      return fetch(`${server?.origin}${new URL(url).pathname}`, init);
    },
  });
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  return { client, transport, asked, connect: () => client.connect(transport as never) };
}

/** The first event of an answer, and what breaks it off. */
async function brokenOff(server: HttpServer, session: Record<string, string>, message: unknown) {
  const gone = new AbortController();
  const request = { headers: { ...session, ...JSON_HEADERS }, body: JSON.stringify(message) };
  const broken = await server.ask("/mcp", { ...request, method: "POST", signal: gone.signal });
  const opening = await broken.body?.getReader().read();
  gone.abort();
  await settle();
  return /^id: (.+)$/m.exec(new TextDecoder().decode(opening?.value))?.[1] ?? "";
}

const resume = (server: HttpServer, session: Record<string, string>, eventId: string) =>
  server.ask("/mcp", { headers: { ...EVENTS, ...session, "last-event-id": eventId } });
const messageIn = (text: string) => JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? "{}");
const idIn = (text: string) => /^id: (.+)$/m.exec(text)?.[1] ?? "";

describe("a session of two servers", () => {
  it("goes on at the other, with all its client has said of itself", async () => {
    const at = clock();
    const more = { ...sharing(at), servers: asking(() => {}) };
    const [one, other] = [
      await openHttpServer(undefined, more),
      await openHttpServer(undefined, more),
    ];
    const { client, asked, connect } = await balanced([one, other], { elicitation: { form: {} } });
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "decline" }));
    await connect();
    const told: unknown[] = [];
    const onprogress = (event: object) => told.push(event);
    for (let n = 0; n < 4; n++) {
      const call = client.callTool({ name: "ask" }, undefined, { onprogress });
      const answer = await meanwhile(at, call);
      expect(answer.content).toEqual([{ type: "text", text: "decline" }]);
    }
    expect(told).toHaveLength(4);
    expect(new Set(asked)).toEqual(new Set(["POST 0", "POST 1", "GET 0"]));
    await client.close();
  });

  it("is one session: ended at one it is unknown at the other, and what is open there ends", async () => {
    const at = clock();
    const more = sharing(at);
    const [one, other] = [await open(more), await open(more)];
    const session = await begin(one);
    expect(await statusOf(other, session)).toBe(200);
    const stream = await listen(other, session);
    expect(stream.status).toBe(200);
    const farewell = await one.ask("/mcp", { method: "DELETE", headers: session });
    expect(farewell.status).toBe(200);
    expect(await meanwhile(at, stream.text())).toBe("");
    for (const server of [one, other]) expect(await statusOf(server, session)).toBe(404);
  });

  it("is nobody else's at the other either", async () => {
    const more = sharing(clock());
    const [one, other] = [await open(more), await open(more)];
    const session = await begin(one);
    for (const token of ["ben", "ada-reads"]) {
      expect(await statusOf(other, { ...session, ...bearer(token) })).toBe(404);
    }
    expect(await statusOf(other, { ...session, ...bearer("ada-next") })).toBe(200);
  });

  it("counts among its owner's at both", async () => {
    const more = sharing(clock());
    const [one, other] = [await open(more), await open(more)];
    const all = [await begin(one), await begin(other), await begin(one), await begin(other)];
    const found = await Promise.all(all.map((session) => statusOf(other, session)));
    expect(found).toEqual([404, 200, 200, 200]);
  });

  it("ends at neither when one server ends", async () => {
    const more = sharing(clock());
    const [one, other] = [await open(more), await open(more)];
    const session = await begin(one);
    await one.close();
    expect(await statusOf(other, session)).toBe(200);
  });

  it("is made once at the other, however much is asked at once", async () => {
    const at = clock();
    const record = new MemorySessionRecord();
    let made = 0;
    const counting = asking(() => {});
    const servers = {
      ...counting,
      createFor: (...asked: Parameters<typeof counting.createFor>) => {
        made++;
        return counting.createFor(...asked);
      },
    };
    const [one, other] = [
      await open(sharing(at, record)),
      await open({ ...sharing(at, record), servers }),
    ];
    const session = await begin(one);
    const all = await Promise.all(Array.from({ length: 8 }, () => statusOf(other, session)));
    expect(new Set(all)).toEqual(new Set([200]));
    expect(made).toBe(1);
  });

  it("is not begun by what fills the record", async () => {
    const server = await open(sharing(clock()));
    const experimental = { x: { filler: "x".repeat(MOST_BEGINNING_BYTES) } };
    const { params } = INITIALIZE;
    const large = { ...INITIALIZE, params: { ...params, capabilities: { experimental } } };
    const refused = await server.send(large, bearer("ada"));
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("at most 16384 bytes");
  });
});

describe("a call whose stream has broken off", () => {
  it("is answered at the other server, by the one that is at work on it", async () => {
    const at = clock();
    const stopping = new AbortController();
    const more = { ...sharing(at), servers: asking(() => {}) };
    const [one, other] = [await open({ ...more, stopping: stopping.signal }), await open(more)];
    const session = await begin(one);
    const eventId = await brokenOff(one, session, WAIT);
    const again = await resume(other, session, eventId);
    expect(again.status).toBe(200);
    await at.advance(30 * SECOND);
    stopping.abort();
    const text = await meanwhile(at, again.text());
    expect(text).toMatch(/^: keepalive/m);
    expect(messageIn(text)).toMatchObject({ id: 5, result: { content: [{ text: "taken back" }] } });
    // Whoever has heard the end is told not to come back, wherever it comes.
    for (const server of [one, other]) {
      expect((await resume(server, session, idIn(text))).status).toBe(204);
    }
    // And is told once more what it has not heard.
    expect(messageIn(await (await resume(one, session, eventId)).text())).toMatchObject({ id: 5 });
  });

  it("is told to be over when the server that was at work on it has gone", async () => {
    const at = clock();
    const other = await open(sharing(at));
    const session = await begin(other);
    const gone = { writer: "a".repeat(26), stream: "of that server", number: 0 };
    const eventId = eventIdOf({ ...gone, asked: [7, "eight"], isEnd: false });
    const text = await meanwhile(at, (await resume(other, session, eventId)).text());
    const errors = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
    expect(errors).toMatchObject([{ id: 7 }, { id: "eight" }]);
    for (const { error } of errors) expect(error.message).toContain("job_list");
    expect((await resume(other, session, idIn(text))).status).toBe(204);
  });

  it("is called off from the other server", async () => {
    const at = clock();
    let isOver = () => {};
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const more = sharing(at);
    const one = await open({ ...more, servers: asking(isOver) });
    const other = await open({ ...more, servers: asking(() => {}) });
    const session = await begin(one);
    await brokenOff(one, session, WAIT);
    // That somebody is at work is seen once it has said so.
    await at.advance(2 * SECOND);
    const params = { requestId: WAIT.id };
    const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params };
    expect((await other.send(cancelled, session)).status).toBe(202);
    await meanwhile(at, over);
  });

  it("is not found by what is no event's id", async () => {
    const server = await open(sharing(clock()));
    const session = await begin(server);
    for (const eventId of ["1_a", "x", "W10", "x".repeat(4_000)]) {
      expect((await resume(server, session, eventId)).status).toBe(400);
    }
  });
});

describe("news of a session", () => {
  it("is told where its client listens, whichever server was told what it wants to hear", async () => {
    const at = clock();
    const more = sharing(at);
    const [one, other] = [
      await openHttpServer(undefined, more),
      await openHttpServer(undefined, more),
    ];
    const { client, connect } = await balanced([one, other]);
    const heard: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      heard.push(params.uri);
    });
    await connect();
    const left = leftJob({ owner: LOCAL_CALLER.owner, baseUrl: "https://gateway.example" });
    const job = { ...summaryOf(left), media: [], state: "running" as const };
    await client.subscribeResource({ uri: uris.job(job.jobId) });
    // Of the second of two looks: the first may be under way.
    await at.advance(3 * SECOND);
    for (const server of [one, other]) server.events.publish(job);
    await expect.poll(() => heard).toEqual([uris.job(job.jobId)]);
    await client.close();
  });

  it("is all that may be news to a client that listens again, and nothing to one that never did", async () => {
    const at = clock();
    const more = sharing(at);
    const [one, other] = [await open(more), await open(more)];
    const session = await begin(one);
    const uri = uris.job("job_aaaaaaaaaaaaaaaaaaaaaaaaaa");
    const subscribe = { jsonrpc: "2.0", id: 2, method: "resources/subscribe", params: { uri } };
    await (await one.send(subscribe, session)).text();
    const first = await listen(one, session);
    const again = await listen(other, session);
    const farewell = await one.ask("/mcp", { method: "DELETE", headers: session });
    expect(farewell.status).toBe(200);
    expect(await meanwhile(at, first.text())).not.toContain("data:");
    const text = await meanwhile(at, again.text());
    expect(text).toContain("notifications/resources/updated");
    expect(text).toContain(uri);
    expect(text).toContain("notifications/resources/list_changed");
  });
});
