import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { postMessage } from "../support/http-callers.ts";
import { bearer } from "../support/http-server.ts";

const ON = { LONGCAT_MCP_SESSIONS: "on" };
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "x", version: "1" },
  },
};
let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const addUser = async (name: string) => bearer(await bench.addUser(name));

async function begin(url: URL, headers: Record<string, string> = {}) {
  const reply = await postMessage(url, INITIALIZE, headers);
  await reply.text();
  return { ...headers, "mcp-session-id": reply.headers.get("mcp-session-id") ?? "" };
}

const listen = (url: URL, session: Record<string, string>) =>
  fetch(url, { headers: { accept: "text/event-stream", ...session } });

describe("sessions over HTTP", () => {
  test("bring news of a job and of the list to a client of the 2025 era", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 500, match: { path: "/v2/requests" } });
    const { client } = await bench.connect("sdk 1.x", "http", ON);
    const started = await client.call("z_image_turbo_generate", {
      ...{ prompt: "A quiet harbour", image_size: "square_1_1", wait_seconds: 0 },
    });
    const uri = `longcat://jobs/${jobIdOf(started)}`;
    const events: string[] = [];
    await client.watch(uri, (one) => events.push(one));
    await finished(client, jobIdOf(started));
    await expect.poll(() => events, PATIENTLY).toContain("list_changed");
    expect(new Set(events)).toEqual(new Set(["list_changed", `updated ${uri}`]));
  });

  test("end with the server, in order and at once", async () => {
    const program = bench.launch(["http", "--port", "0"], ON);
    await program.start();
    const url = await listeningUrl(program);
    const stream = await listen(url, await begin(url));
    expect(stream.status).toBe(200);
    program.child.kill("SIGTERM");
    // Ended, not broken off: that would be an error here.
    expect(await stream.text()).not.toContain("data:");
    expect(await program.exited()).toBe(0);
  });

  test("end when their user is revoked, and are unknown to everybody else", async () => {
    const [ann, ben] = [await addUser("ann"), await addUser("ben")];
    const program = bench.launch(["http", "--port", "0"], ON);
    await program.start();
    const url = await listeningUrl(program);
    const session = await begin(url, ann);
    expect((await listen(url, { ...session, ...ben })).status).toBe(404);
    const stream = await listen(url, session);
    expect(stream.status).toBe(200);
    expect(await bench.run(["users", "revoke", "ann"])).toMatchObject({ code: 0 });
    await stream.text().catch(() => "broken off");
    expect((await listen(url, session)).status).toBe(401);
    const next = await begin(url, ben);
    expect(next["mcp-session-id"]).not.toBe("");
  });
});
