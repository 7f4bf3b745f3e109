import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { postMessage } from "../support/http-callers.ts";
import { bearer, PING } from "../support/http-server.ts";

/* The built program, where something says that it has passed a request on. */

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

async function serve(proxies: string) {
  const program = bench.launch(["http", "--port", "0"], {
    LONGCAT_MCP_TRUSTED_PROXIES: proxies,
  });
  const url = await listeningUrl(program);
  const send = async (headers: Record<string, string>) => {
    const reply = await postMessage(url, PING, headers);
    return { status: reply.status, text: await reply.text() };
  };
  return { program, send };
}

const HEADERS = [
  { "x-forwarded-for": "127.0.0.1" },
  { forwarded: "for=127.0.0.1" },
  { "x-real-ip": "127.0.0.1" },
  { x_forwarded_for: "127.0.0.1" },
  { via: "1.1 somewhere" },
  { "cf-connecting-ip": "127.0.0.1" },
];

describe("what was passed on", () => {
  test("by anyone but a trusted proxy is refused, with a valid token too, and nobody is asked", async () => {
    const token = await bench.addUser("ada");
    const { program, send } = await serve("192.0.2.1,10.0.0.0/8");
    expect((await send(bearer(token))).status).toBe(200);
    for (const headers of HEADERS) {
      const told = await send({ ...bearer(token), ...headers });
      expect({ headers, status: told.status }).toEqual({ headers, status: 403 });
      expect(told.text).toContain("LONGCAT_MCP_TRUSTED_PROXIES");
      // The same for whoever has no token: a proxy is no way to try tokens.
      expect((await send({ ...bearer("lcmcp_x"), ...headers })).text).toBe(told.text);
    }
    await program.kill("SIGTERM");
    expect((await bench.run(["audit"])).said).not.toContain("login_refused");
  });

  test("by a trusted proxy is let in with a token, and refused logins have the client's address", async () => {
    const token = await bench.addUser("ada");
    const { program, send } = await serve("127.0.0.1");
    for (const headers of HEADERS) {
      expect((await send({ ...bearer(token), ...headers })).status).toBe(200);
    }
    const wrong = bearer(`lcmcp_${"a".repeat(32)}`);
    // What a client writes there itself stands before what the proxy has added.
    const claims = "198.51.100.99, 192.0.2.7";
    for (const more of [{ "x-forwarded-for": claims }, { "x-forwarded-for": "192.0.2.8" }, {}]) {
      expect((await send({ ...wrong, ...more })).status).toBe(401);
    }
    await program.kill("SIGTERM");
    const refused = (await bench.run(["audit"])).said
      .split("\n")
      .map((line): { event: string; address?: string } => JSON.parse(line))
      .filter(({ event }) => event === "login_refused");
    const addresses = new Set(refused.map(({ address }) => address));
    expect([...addresses].sort()).toEqual(["127.0.0.1", "192.0.2.7", "192.0.2.8"]);
  });
});
