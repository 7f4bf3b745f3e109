import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { textOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

const PICTURE = { prompt: "A cat", image_size: "square_1_1" };
let server: PostgresServer;
let bench: Bench;
let url = "";
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());
beforeEach(async () => {
  bench = await Bench.open();
  url = await freshDatabase(server.url);
});
afterEach(() => bench.close());

const envOf = (address: string) => ({ LONGCAT_MCP_DATABASE_URL: address });

/** What the program says when it is started so, and how it ends. */
async function started(address: string, command = "http") {
  const program = bench.launch([command, "--port", "0"], envOf(address));
  const code = await program.exited();
  return { code, said: program.stderr };
}

function changed(change: (url: URL) => void): string {
  const other = new URL(url);
  change(other);
  return other.href;
}

describe("an address that can never work", () => {
  test.each([
    ["a wrong password", (one: URL) => (one.password = "quite-wrong"), /refuses the password/],
    ["no such database", (one: URL) => (one.pathname = "/nowhere"), /does not exist/],
    ["an unknown parameter", (one: URL) => (one.search = "?schema=x"), /has a parameter schema/],
    ["an unknown sslmode", (one: URL) => (one.search = "?sslmode=on"), /another sslmode/],
  ])(
    "(%s) ends the program with one line, and without what is secret",
    async (_, change, reason) => {
      const { code, said } = await started(changed(change));
      expect(code).toBe(2);
      expect(said).toMatch(reason);
      expect(said.trim().split("\n")).toHaveLength(1);
      expect(said).not.toContain("quite-wrong");
      expect(said).not.toContain(new URL(url).password);
    },
  );

  test("a database of a version that no longer works beside this one is refused", async () => {
    const program = bench.launch(["http", "--port", "0"], envOf(url));
    await listeningUrl(program);
    await program.kill("SIGTERM");
    await ask(url, "UPDATE longcat_mcp.schema_version SET version = 99, compatible_from = 98");
    const { code, said } = await started(url);
    expect(code).toBe(2);
    expect(said).toMatch(/version 99 by a newer longcat-mcp/);
    // One that works beside this one does.
    await ask(url, "UPDATE longcat_mcp.schema_version SET compatible_from = 1");
    await listeningUrl(bench.launch(["http", "--port", "0"], envOf(url)));
  });
});

describe("a database that is away", () => {
  /** What the server answers on a path. */
  const status = async (origin: URL, path: string, init: RequestInit = {}) =>
    (await fetch(new URL(path, origin), init)).status;
  const PING = {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  };

  test("at the start, is told by /readyz, and used once it comes", async () => {
    await server.kill();
    const program = bench.launch(["http", "--port", "0"], envOf(url));
    const origin = await listeningUrl(program);
    expect(await status(origin, "/healthz")).toBe(200);
    expect(await status(origin, "/readyz")).toBe(503);
    expect(await status(origin, "/mcp", PING)).toBe(503);
    await server.start();
    await vi.waitFor(async () => expect(await status(origin, "/readyz")).toBe(200), PATIENTLY);
    expect(await status(origin, "/mcp", PING)).not.toBe(503);
  });

  test("later, sends nothing that is not recorded, and goes on as soon as it is back", async () => {
    const { client, program } = await bench.connect("client 2.x", "stdio", envOf(url));
    const first = await client.call("z_image_turbo_generate", { ...PICTURE, wait_seconds: 100 });
    expect(first.isError ?? false).toBe(false);
    const posts = bench.posts;
    await server.kill();
    const refused = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A dog" });
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/database 127\.0\.0\.1/);
    expect(bench.posts).toBe(posts);
    await server.start();
    await vi.waitFor(async () => {
      const again = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A dog" });
      expect(again.isError ?? false).toBe(false);
    }, PATIENTLY);
    expect(bench.posts).toBe(posts + 1);
    expect(program.stderr).not.toContain(new URL(url).password);
    expect(program.stderr).not.toContain(decodeURIComponent(new URL(url).password));
  });

  test("whose password is changed meanwhile, is waited for: what was set right once is not wrong for good", async () => {
    const name = new URL(url).pathname.slice(1);
    await ask(
      url,
      `CREATE ROLE ${name} LOGIN PASSWORD 'first'; GRANT CREATE ON DATABASE ${name} TO ${name}`,
    );
    const own = changed((one) => {
      one.username = name;
      one.password = "first";
    });
    const { client, program } = await bench.connect("client 2.x", "stdio", envOf(own));
    const first = await client.call("z_image_turbo_generate", { ...PICTURE, wait_seconds: 100 });
    expect(first.isError ?? false).toBe(false);
    const END = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`;
    await ask(url, `ALTER ROLE ${name} PASSWORD 'second'; ${END}`);
    const refused = await vi.waitFor(async () => {
      const answer = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A dog" });
      expect(answer.isError).toBe(true);
      return answer;
    }, PATIENTLY);
    expect(textOf(refused)).toMatch(/^storage: /);
    expect(program.child.exitCode).toBeNull();
    await ask(url, `ALTER ROLE ${name} PASSWORD 'first'`);
    await vi.waitFor(async () => {
      const again = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A bird" });
      expect(again.isError ?? false).toBe(false);
    }, PATIENTLY);
    expect(program.stderr).not.toMatch(/:first@|password 'first'/);
  });

  test("frozen, is given up by whoever calls, and goes on when it does", async () => {
    const { client } = await bench.connect("client 2.x", "stdio", envOf(url));
    await client.call("z_image_turbo_generate", { ...PICTURE, wait_seconds: 100 });
    const pids = await server.pids();
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    const refused = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A dog" });
    for (const pid of pids) process.kill(pid, "SIGCONT");
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/^storage: /);
    await vi.waitFor(async () => {
      const again = await client.call("z_image_turbo_generate", { ...PICTURE, prompt: "A dog" });
      expect(again.isError ?? false, textOf(again)).toBe(false);
    }, PATIENTLY);
    // The first of the two may have been recorded after all: then it is the same.
    expect(bench.posts).toBe(2);
  });
});
