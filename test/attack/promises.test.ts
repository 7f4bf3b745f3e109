import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { uris } from "../../src/core/uris.ts";
import { openAskedServer, PipedTransport } from "../support/asked-server.ts";
import { SSE } from "../support/chat-platform.ts";
import { openHttpServer } from "../support/http-server.ts";
import { rawServer } from "../support/raw-server.ts";

/* What each way in promises, and whether it is kept: of conversations, which take a while to end. */

const WORDS = [
  `data: ${JSON.stringify({ choices: [{ delta: { content: "heliotrope" }, finish_reason: null }] })}\n\n`,
  `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
];

/** A delegate that says nothing before the test lets it. */
async function openSlow() {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { origin } = await rawServer(async ({ method }, response) => {
    // What its models cost it does not say.
    if (method === "POST") {
      await released;
      response.writeHead(200, SSE);
      for (const one of WORDS) response.write(one);
    } else response.writeHead(404);
    response.end();
  });
  const env = { LONGCAT_BASE_URL: origin, LONGCAT_API_KEY: "key-0123456789" };
  const server = await openAskedServer({}, env);
  onTestFinished(release);
  return { ...server, release };
}

interface Ear {
  client: Client | ModernClient;
  heard: string[];
}

type Way = "stdio" | "HTTP" | "HTTP with a session";

async function ends(server: Awaited<ReturnType<typeof openSlow>>, way: Way): Promise<URL | object> {
  if (way === "stdio") return new PipedTransport(server.factory);
  const sessions = way === "HTTP" ? {} : { sessions: { most: 4 } };
  const more = { servers: server.factory, events: server.events, ...sessions };
  return new URL(`${(await openHttpServer(undefined, more)).origin}/mcp`);
}

async function of2025(server: Awaited<ReturnType<typeof openSlow>>, way: Way): Promise<Ear> {
  const heard: string[] = [];
  const client = new Client({ name: "old", version: "1" });
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri);
  });
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
    heard.push("list");
  });
  const to = await ends(server, way);
  await client.connect((to instanceof URL ? new StreamableHTTPClientTransport(to) : to) as never);
  onTestFinished(() => client.close());
  return { client, heard };
}

async function of2026(server: Awaited<ReturnType<typeof openSlow>>, way: Way): Promise<Ear> {
  const heard: string[] = [];
  const client = new ModernClient(
    { name: "new", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    heard.push(params.uri);
  });
  client.setNotificationHandler("notifications/resources/list_changed", () => {
    heard.push("list");
  });
  const to = await ends(server, way);
  await client.connect((to instanceof URL ? new ModernHttp(to) : to) as never);
  onTestFinished(() => client.close());
  return { client, heard };
}

/** How each way in is promised and hears of news. */
const WAYS: {
  era: string;
  way: Way;
  connect: typeof of2025;
  hears: boolean;
}[] = [
  { era: "2025", way: "stdio", connect: of2025, hears: true },
  { era: "2025", way: "HTTP with a session", connect: of2025, hears: true },
  { era: "2025", way: "HTTP", connect: of2025, hears: false },
  { era: "2026", way: "stdio", connect: of2026, hears: true },
  { era: "2026", way: "HTTP", connect: of2026, hears: true },
  { era: "2026", way: "HTTP with a session", connect: of2026, hears: true },
];

const capabilities = z.looseObject({
  resources: z.looseObject({
    subscribe: z.boolean().optional(),
    listChanged: z.boolean().optional(),
  }),
});

async function call({ client }: Ear, name: string, args: Record<string, unknown>): Promise<string> {
  return JSON.stringify(await client.callTool({ name, arguments: args }));
}

async function listed({ client }: Ear): Promise<string[]> {
  return (await client.listResources()).resources.map(({ uri }) => uri);
}

async function subscribe({ client }: Ear, uri: string): Promise<void> {
  if (client instanceof ModernClient) {
    await client.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });
  } else {
    await client.subscribeResource({ uri });
  }
}

describe.each(WAYS)("a conversation, $era, $way", ({ connect, way, hears }) => {
  it("is told of as soon as it can be read, when it goes on, and when it is gone; or never promised", async () => {
    const server = await openSlow();
    const ear = await connect(server, way);
    const { resources } = capabilities.parse(ear.client.getServerCapabilities());
    expect(resources.listChanged).toBe(hears);
    expect(resources.subscribe ?? false).toBe(hears);
    if (!hears) {
      await expect(subscribe(ear, uris.thread("thread_a"))).rejects.toThrow();
      expect(await call(ear, "longcat_chat", { prompt: "Which?", wait_seconds: 0 })).toContain(
        "thread_",
      );
      server.release();
      expect(ear.heard).toEqual([]);
      return;
    }
    if (ear.client instanceof ModernClient) await ear.client.listen({ resourcesListChanged: true });
    const started = await call(ear, "longcat_chat", { prompt: "Which?", wait_seconds: 0 });
    const threadId = /thread_[a-z2-7]{26}/.exec(started)?.[0] ?? "";
    const uri = uris.thread(threadId);
    // It is not answered, and is read all the same.
    await expect.poll(() => ear.heard).toContain("list");
    expect(await listed(ear)).toContain(uri);
    expect(JSON.stringify(await ear.client.readResource({ uri }))).toContain("Which?");

    await subscribe(ear, uri);
    ear.heard.length = 0;
    server.release();
    await expect.poll(() => ear.heard).toContain(uri);
    const read = async () => JSON.stringify(await ear.client.readResource({ uri }));
    await expect.poll(read).toContain("heliotrope");

    ear.heard.length = 0;
    const deletion = { action: "delete", thread_id: threadId };
    await expect.poll(() => call(ear, "chat_threads", deletion)).toContain("deleted");
    await expect.poll(() => ear.heard).toContain(uri);
    await expect.poll(() => ear.heard).toContain("list");
    expect(await listed(ear)).not.toContain(uri);
  });
});

it("a conversation that was deleted is no news to whoever else is there", async () => {
  const { events, services } = await openSlow();
  const told: string[] = [];
  events.subscribeToThreadDeletions("ada", (threadId) => told.push(threadId));
  const stop = events.subscribeToThreadDeletions("local", (threadId) => told.push(threadId));
  events.publishThreadDeletion({ owner: "local", threadId: "thread_a" });
  events.publishThreadDeletion({ owner: "ben", threadId: "thread_b" });
  stop();
  events.publishThreadDeletion({ owner: "local", threadId: "thread_c" });
  expect(told).toEqual(["thread_a"]);
  // What is busy, or nobody's, is not deleted and not told of.
  const { delegate } = await services.get();
  const again = events.subscribeToThreadDeletions("local", (threadId) => told.push(threadId));
  await delegate.deleteThread("somebody", "thread_a").catch(() => undefined);
  again();
  expect(told).toEqual(["thread_a"]);
});
