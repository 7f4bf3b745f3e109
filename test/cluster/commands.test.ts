import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { connectModern } from "../support/http-callers.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
const PICTURE = { prompt: "A lighthouse", image_size: "square_1_1", wait_seconds: 100 };

let bench: Bench;
let url = "";
beforeEach(async () => {
  bench = await Bench.open();
  url = await freshDatabase();
});
afterEach(() => bench.close());

/** Runs a command on the database, as somebody at any of the machines would. */
async function command(words: readonly string[], env: Record<string, string> = {}) {
  const machine = join(bench.folder, "desk");
  await mkdir(machine, { recursive: true });
  return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    const child = execFile(
      process.execPath,
      [CLI, ...words],
      {
        cwd: machine,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: machine,
          PIXAZO_BASE_URL: bench.sandbox.origin,
          LONGCAT_MCP_DATABASE_URL: url,
          LONGCAT_MCP_DATA_DIR: join(machine, "data"),
          LONGCAT_MCP_OUTPUT_DIR: join(machine, "out"),
          ...env,
        },
      },
      (_, stdout, stderr) => done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** A server on the database, and a client that calls it with a token. */
async function served(token: string) {
  const program = bench.launch(["http", "--port", "0"], { LONGCAT_MCP_DATABASE_URL: url });
  const origin = await listeningUrl(program);
  const client = await connectModern(origin, { authorization: `Bearer ${token}` });
  const call = (name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });
  return { program, origin, client, call };
}

describe("commands on the database", () => {
  test("users who are added at one machine call at another, and go again", async () => {
    const added = await command(["users", "add", "anna"]);
    expect(added).toMatchObject({ code: 0 });
    const token = added.stdout.trim();
    const { origin, client, call } = await served(token);
    expect(await call("z_image_turbo_generate", PICTURE)).not.toHaveProperty("isError", true);
    expect((await fetch(origin, { method: "POST" })).status).toBe(401);
    const listed = await command(["users", "list", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ name: "anna" }]);
    expect(listed.stdout).not.toContain(token);

    const exported = join(bench.folder, "exported");
    expect(await command(["users", "export", "anna", "--to", exported])).toMatchObject({ code: 0 });
    const files = await readdir(exported, { recursive: true });
    const texts = files.filter((file) => file.endsWith(".json") || file.endsWith(".jsonl"));
    const all = await Promise.all(texts.map((file) => readFile(join(exported, file), "utf8")));
    expect(all.join("\n")).toContain(PICTURE.prompt);

    expect(await command(["users", "revoke", "anna"])).toMatchObject({ code: 0 });
    await vi.waitFor(async () => {
      await expect(call("job_list", {})).rejects.toThrow();
    }, PATIENTLY);
    await client.close();
    expect(await command(["users", "erase", "anna"])).toMatchObject({ code: 0 });
    const words = `SELECT count(*) AS n FROM longcat_mcp.job_bodies WHERE input LIKE '%lighthouse%'`;
    expect(await ask(url, words)).toEqual([{ n: "0" }]);

    const audit = await command(["audit"]);
    const events = audit.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events).toEqual(
      expect.arrayContaining(["user_added", "job_started", "job_ended", "user_revoked"]),
    );
    expect(audit.stdout).not.toContain("lighthouse");
  });

  test("users are changed, get another token and are let go at servers that run, where the door opens again", async () => {
    const added = await command(["users", "add", "anna", "--days", "9"]);
    expect(added.stderr).toContain("a token over HTTP, on the machine of any replica as well");
    const { origin, client, call } = await served(added.stdout.trim());
    const asked = (token?: string) => async () => {
      const headers = {
        ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
      return (await fetch(origin, { method: "POST", headers, body })).status;
    };
    const changed = await command(["users", "set", "anna", "--scopes", "jobs:read,chat"]);
    expect(changed.stdout).toMatch(/^anna .* jobs:read,chat .* no cap\n$/);
    await expect
      .poll(async () => (await client.listTools()).tools.map(({ name }) => name), {
        ...PATIENTLY,
      })
      .not.toContain("z_image_turbo_generate");
    await expect(call("z_image_turbo_generate", PICTURE)).rejects.toThrow();
    expect(bench.posts).toBe(0);

    const rotated = await command(["users", "rotate", "anna"]);
    await expect.poll(asked(added.stdout.trim()), PATIENTLY).toBe(401);
    expect(await asked(rotated.stdout.trim())()).toBe(200);
    await client.close();
    const early = await command(["users", "open"]);
    expect(early).toMatchObject({ code: 2, stdout: "" });
    expect(early.stderr).toContain("There is 1 user who is not revoked");
    expect(await asked()()).toBe(401);
    expect(await command(["users", "revoke", "anna"])).toMatchObject({ code: 0 });
    expect(await command(["users", "open"])).toMatchObject({ code: 0 });
    await expect.poll(asked(), PATIENTLY).toBe(200);
    expect((await command(["users", "list"])).stdout).toMatch(/^anna .* revoked since \d{4}-/);
  });

  test("a service that was closed once stays closed for whoever starts next", async () => {
    await command(["users", "add", "anna"]);
    await command(["users", "revoke", "anna"]);
    const program = bench.launch(["http", "--port", "0"], { LONGCAT_MCP_DATABASE_URL: url });
    const origin = await listeningUrl(program);
    expect((await fetch(origin, { method: "POST" })).status).toBe(401);
  });

  test("an address in a file is as good, and is shown nowhere", async () => {
    const file = join(bench.folder, "address");
    await writeFile(file, `${url}\n`, { mode: 0o600 });
    const secret = new URL(url).password;
    const env = { LONGCAT_MCP_DATABASE_URL: "", LONGCAT_MCP_DATABASE_URL_FILE: file };
    const added = await command(["users", "add", "berta"], env);
    expect(added).toMatchObject({ code: 0 });
    expect(await ask(url, "SELECT name FROM longcat_mcp.users")).toEqual([{ name: "berta" }]);
    expect(added.stderr).not.toContain(secret);
    await writeFile(file, `${url.replace(secret, "quite-wrong")}\n`);
    const refused = await command(["users", "list"], env);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/refuses the password/);
    expect(refused.stderr).not.toContain("quite-wrong");
  });

  test("one that cannot be reached ends a command with one line, and changes nothing", async () => {
    const away = new URL(url);
    away.port = "1";
    const refused = await command(["users", "add", "anna"], {
      LONGCAT_MCP_DATABASE_URL: away.href,
    });
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(refused.stderr).toMatch(/database 127\.0\.0\.1:1\//);
    expect(refused.stderr).not.toContain(away.password);
    expect(refused.stderr).not.toContain(decodeURIComponent(away.password));
    // What each machine has for itself needs none.
    const folders = await command(["folders"], { LONGCAT_MCP_DATABASE_URL: away.href });
    expect(folders).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("doctor", () => {
  const findings = async (env: Record<string, string>) => {
    const { stdout } = await command(["doctor"], { PIXAZO_API_KEY: "key-0123456789", ...env });
    expect(stdout).not.toContain(new URL(url).password);
    expect(stdout).not.toContain(decodeURIComponent(new URL(url).password));
    return stdout.split("\n").filter((line) => line.includes("job database"));
  };

  test("says which database there is and of which version it is, and makes nothing there", async () => {
    expect(await findings({})).toEqual([
      expect.stringMatching(/^ok +job database +127\.0\.0\.1:\d+\/test_\w+, .*empty/),
    ]);
    const sql = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'longcat_mcp'";
    expect(await ask(url, sql)).toEqual([{ n: "0" }]);
    await command(["users", "list"]);
    expect(await findings({})).toEqual([expect.stringMatching(/^ok .*tables of version \d+/)]);
  });

  test.each([
    ["a wrong password", (one: URL) => (one.password = "quite-wrong"), /refuses the password/],
    ["a database that is not there", (one: URL) => (one.pathname = "/nowhere"), /does not exist/],
    ["a server that is away", (one: URL) => (one.port = "1"), /cannot be used/],
    ["an address that is none", (one: URL) => (one.search = "?sslmode=on"), /another sslmode/],
  ])("names %s", async (_, change, reason) => {
    const other = new URL(url);
    change(other);
    const [line = "", ...more] = await findings({ LONGCAT_MCP_DATABASE_URL: other.href });
    expect(line).toMatch(/^FAIL/);
    expect(line).toMatch(reason);
    expect(line).not.toContain("quite-wrong");
    expect(more).toEqual([]);
  });

  test("names tables that only a newer program can use", async () => {
    await command(["users", "list"]);
    await ask(url, "UPDATE longcat_mcp.schema_version SET version = 99, compatible_from = 98");
    expect(await findings({})).toEqual([
      expect.stringMatching(/^FAIL .*version 99.*Install the newest version/),
    ]);
  });
});
