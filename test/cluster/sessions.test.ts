import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ElicitRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ChildTransport } from "../e2e/child-transport.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { type Balancer, balancerOf } from "./balancer.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/* Clients of the 2025 era before three replicas, whose requests go to each of them by turns. */

const START = "z_image_turbo_generate";
const picture = (prompt: string, wait = 0) => ({
  ...{ prompt, image_size: "square_1_1", wait_seconds: wait },
});

let bench: Bench;
let url = "";
let token = "";
let programs: ChildTransport[] = [];
let replicas: URL[] = [];
beforeAll(async () => {
  // Some seconds from a start to its end.
  bench = await Bench.open({ speed: 0.5 });
  url = await freshDatabase();
  const environment = {
    LONGCAT_MCP_DATABASE_URL: url,
    LONGCAT_MCP_SESSIONS: "on",
    LONGCAT_MCP_CONFIRM_ABOVE_USD: "0.01",
    LONGCAT_MCP_PRICES: JSON.stringify({ [START]: 0.05 }),
  };
  const names = ["one", "two", "three"];
  const places = names.map((name) => ({
    ...environment,
    LONGCAT_MCP_DATA_DIR: join(bench.folder, name, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, name, "out"),
  }));
  token = (await bench.run(["users", "add", "ann"], places[0])).said;
  programs = places.map((env) => bench.launch(["http", "--port", "0"], env));
  replicas = await Promise.all(programs.map(listeningUrl));
});
afterAll(() => bench.close());

/** A client that is connected through a balancer of its own. */
async function connected(capabilities = {}) {
  const balancer = await balancerOf(replicas);
  const transport = new StreamableHTTPClientTransport(balancer.url, {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  await client.connect(transport as never);
  onTestFinished(() => client.close());
  const heard: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri);
  });
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
    heard.push("list");
  });
  const call = async (
    name: string,
    args: Record<string, unknown>,
    onprogress?: (one: { message?: string | undefined }) => void,
  ) => {
    const options = { timeout: 150_000, ...(onprogress && { onprogress }) };
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    return JSON.stringify(result.content);
  };
  return { client, transport, balancer, heard, call };
}

const listenTo = (replica: URL, sessionId: string, bearer = token) => {
  const headers = { authorization: `Bearer ${bearer}`, "mcp-session-id": sessionId };
  return fetch(replica, { headers: { ...headers, accept: "text/event-stream" } });
};
const jobIn = (text: string) => /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
const allowed = { max_cost_usd: 1 };
/** To which replica the stream of news is open. */
const listening = ({ asked }: Balancer) => asked.findLast(({ method }) => method === "GET")?.to;
const isListening = (balancer: Balancer) =>
  vi.waitFor(() => expect(listening(balancer)).toBeDefined(), PATIENTLY);

describe("a session before three replicas", () => {
  test("is begun at one, called at others and heard at another, and nothing of it can be read", async () => {
    const { client, transport, balancer, heard, call } = await connected();
    await isListening(balancer);
    const jobId = jobIn(await call(START, { ...picture("An unspoken harbour"), ...allowed }));
    await client.subscribeResource({ uri: `longcat://jobs/${jobId}` });
    const told: unknown[] = [];
    const waiting = { job_id: jobId, wait_seconds: 100 };
    expect(await call("job_status", waiting, ({ message }) => told.push(message))).toContain(jobId);
    expect(told.length).toBeGreaterThan(0);
    await vi.waitFor(
      () => expect(new Set(heard)).toEqual(new Set(["list", `longcat://jobs/${jobId}`])),
      PATIENTLY,
    );
    await client.listTools();
    expect(new Set(balancer.asked.map(({ to }) => to))).toEqual(new Set([0, 1, 2]));

    const kept = [];
    for (const table of ["sessions", "session_events", "session_letters", "session_writers"]) {
      const rows = await ask(url, `SELECT * FROM longcat_mcp.${table}`);
      kept.push(...rows.flatMap(Object.values).map((value) => Buffer.from(`${value}`).toString()));
    }
    expect(kept.length).toBeGreaterThan(10);
    const { sessionId = "" } = transport;
    for (const secret of [sessionId, token, "unspoken", "harbour"]) {
      expect(kept.join("\n")).not.toContain(secret);
    }
    for (const replica of replicas) {
      expect((await listenTo(replica, sessionId, "of nobody")).status).toBe(401);
    }
    await transport.terminateSession();
    expect(await ask(url, "SELECT 1 FROM longcat_mcp.sessions")).toEqual([]);
    expect(await ask(url, "SELECT 1 FROM longcat_mcp.session_events")).toEqual([]);
    for (const replica of replicas) {
      expect((await listenTo(replica, sessionId)).status).toBe(404);
    }
  });

  test("asks its user at whichever replica the call is, and takes the answer at any other", async () => {
    const { client, balancer, call } = await connected({ elicitation: { form: {} } });
    await isListening(balancer);
    let asked = 0;
    client.setRequestHandler(ElicitRequestSchema, async () => {
      asked++;
      // Never the replica that asks.
      balancer.next((balancer.asked.findLast(({ method }) => method === "POST")?.to ?? 0) + 1);
      return { action: "accept", content: { answer: "yes" } };
    });
    const text = await call(START, { ...picture("A dear lighthouse"), wait_seconds: 45 });
    expect(asked).toBe(1);
    expect(text).not.toContain("within the time");
    expect(await ask(url, "SELECT 1 FROM longcat_mcp.session_letters")).toEqual([]);
  });

  test("goes on without the replicas that are killed: its stream, and a call that was waited for", async () => {
    const { client, balancer, heard, call } = await connected();
    await isListening(balancer);
    const posts = bench.posts;
    const jobId = jobIn(await call(START, { ...picture("A harbour at night"), ...allowed }));
    await client.subscribeResource({ uri: `longcat://jobs/${jobId}` });
    const ofNews = listening(balancer) ?? 0;
    const ofCall = (ofNews + 1) % 3;
    balancer.next(ofCall);
    const told: unknown[] = [];
    const waiting = { job_id: jobId, wait_seconds: 100 };
    const cut = call("job_status", waiting, ({ message }) => told.push(message)).catch(String);
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), PATIENTLY);
    heard.length = 0;
    for (const one of [ofNews, ofCall]) await programs[one]?.kill("SIGKILL");
    // Whoever was at work on it has gone, which is told; or the job was faster.
    expect(await cut).toMatch(/has ended, or its answer is kept no longer.*job_status|completed/);
    expect(await call("job_status", waiting)).toContain(jobId);
    await vi.waitFor(() => expect(heard).toContain(`longcat://jobs/${jobId}`), PATIENTLY);
    expect(bench.posts).toBe(posts + 1);
  });
});
