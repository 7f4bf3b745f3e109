import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Bench, listeningUrl, openBench } from "../e2e/harness.ts";
import { openListening, postMessage } from "../support/http-callers.ts";
import { bearer } from "../support/http-server.ts";

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "attack", version: "1" },
  },
};

const users = (bench: Bench, ...words: string[]) => bench.run(["users", ...words]);

async function serve(bench: Bench, env: Record<string, string> = {}) {
  const program = bench.launch(["http", "--port", "0"], env);
  await program.start();
  const url = await listeningUrl(program);
  return {
    /** What a greeting is answered. */
    greet: async (token?: string) => {
      const reply = await postMessage(url, INITIALIZE, token === undefined ? {} : bearer(token));
      await reply.text();
      return reply.status;
    },
    /** A stream of events that is open, as what is over when it has ended. */
    listen: async (token: string) => {
      const stream = await openListening(url, bearer(token));
      expect(stream.status).toBe(200);
      const over = stream.text().catch(() => undefined);
      return { over };
    },
    stop: () => program.kill("SIGTERM"),
  };
}

async function loseDatabase(bench: Bench): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) {
    await rm(join(bench.dataDir, `jobs.db${suffix}`), { force: true });
  }
}

describe("once users have existed, the server asks for a token", () => {
  test("from the moment of the first one on, also where it was running before", async () => {
    const bench = await openBench();
    const { greet } = await serve(bench);
    expect(await greet()).toBe(200);
    const { said: token } = await users(bench, "add", "ann");
    expect(await greet()).toBe(401);
    expect(await greet(token)).toBe(200);
    expect(await greet(`${token.slice(0, -1)}${token.endsWith("a") ? "b" : "a"}`)).toBe(401);
  });

  test("when the last one is revoked, and after a restart, until it is opened on purpose", async () => {
    const bench = await openBench();
    const { said: token } = await users(bench, "add", "ann");
    const first = await serve(bench);
    expect(await first.greet(token)).toBe(200);
    await users(bench, "revoke", "ann");
    expect([await first.greet(token), await first.greet()]).toEqual([401, 401]);
    await first.stop();
    const second = await serve(bench);
    expect([await second.greet(token), await second.greet()]).toEqual([401, 401]);
    expect((await users(bench, "open")).code).toBe(0);
    expect(await second.greet()).toBe(200);
  });

  test("when the database has gone, or the mark, or both, under a running process", async () => {
    const bench = await openBench();
    await users(bench, "add", "ann");
    await users(bench, "revoke", "ann");
    const { greet } = await serve(bench);
    expect(await greet()).toBe(401);
    await rm(join(bench.dataDir, "closed"));
    expect(await greet()).toBe(401);
    await loseDatabase(bench);
    expect(await greet()).toBe(401);
    await rm(bench.dataDir, { recursive: true });
    expect(await greet()).toBe(401);
  });

  test("when the database goes from under a token that was good: nobody is let in, nor stays", async () => {
    const bench = await openBench();
    const { said: token } = await users(bench, "add", "ann");
    const { greet, listen } = await serve(bench);
    expect(await greet(token)).toBe(200);
    const stream = await listen(token);
    await loseDatabase(bench);
    // Who calls cannot be found out, which is no reason to believe anybody.
    expect(await greet(token)).toBe(503);
    expect([await greet(), await greet(`lcmcp_${"a".repeat(32)}`)]).toEqual([401, 503]);
    await stream.over;
    expect(await greet(token)).toBe(503);
  });

  test.each(["closed", "jobs.db"])("after a start without its %s", async (name) => {
    const bench = await openBench();
    const { said: token } = await users(bench, "add", "ann");
    if (name === "closed") await rm(join(bench.dataDir, name));
    else await loseDatabase(bench);
    const { greet } = await serve(bench);
    expect(await greet()).toBe(401);
    // A token that is in no record is nobody's.
    expect(await greet(token)).toBe(name === "closed" ? 200 : 401);
  });

  test("from the first start with an issuer on, also without it", async () => {
    const bench = await openBench();
    const first = await serve(bench, {
      LONGCAT_MCP_OAUTH_ISSUER: "http://127.0.0.1:9",
      LONGCAT_MCP_OAUTH_AUDIENCE: "http://127.0.0.1:8787/mcp",
    });
    expect(await first.greet()).toBe(401);
    await first.stop();
    const second = await serve(bench);
    expect(await second.greet()).toBe(401);
    await second.stop();
    await rm(join(bench.dataDir, "closed"));
    const third = await serve(bench);
    expect(await third.greet()).toBe(401);
    expect((await users(bench, "open")).code).toBe(0);
    expect(await third.greet()).toBe(200);
  });

  test("a rotated token is refused at once, and so is one that a user had who was erased", async () => {
    const bench = await openBench();
    const { said: before } = await users(bench, "add", "ann");
    const { greet } = await serve(bench);
    const { said: after } = await users(bench, "rotate", "ann");
    expect([await greet(before), await greet(after)]).toEqual([401, 200]);
    await users(bench, "erase", "ann");
    expect([await greet(after), await greet()]).toEqual([401, 401]);
  });

  test("logins that are refused are one entry of the audit log for an address and a minute", async () => {
    const bench = await openBench();
    await users(bench, "add", "ann");
    const { greet, stop } = await serve(bench);
    for (let n = 0; n < 7; n++) expect(await greet(`lcmcp_${"a".repeat(32)}`)).toBe(401);
    await stop();
    const command = bench.launch(["audit"]);
    await command.start();
    await command.exited();
    const refused = command.strayLines
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === "login_refused");
    // A minute may have ended in between.
    expect(refused.length).toBeLessThanOrEqual(2);
    expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(7);
    for (const { address } of refused) expect(address).toBe("127.0.0.1");
  });
});
