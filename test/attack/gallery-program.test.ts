import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { Visitor } from "../support/gallery-rig.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");
const run = promisify(execFile);

describe("the gallery of the built program", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.open();
  });
  afterEach(() => bench.close());
  const users = async (...args: string[]) => {
    const env = {
      ...{ PATH: process.env["PATH"] ?? "", HOME: bench.homeDir },
      ...{ LONGCAT_MCP_DATA_DIR: bench.dataDir, LONGCAT_MCP_OUTPUT_DIR: bench.outputDir },
    };
    return (await run(process.execPath, [CLI, "users", ...args], { env })).stdout.trim();
  };
  const linkIn = async (text: () => string) => {
    await expect.poll(text, PATIENTLY).toMatch(/http:\S+\/enter\/\S+/);
    return new URL(/http:\S+\/enter\/\S+/.exec(text())?.[0] ?? "");
  };

  it("prints a link that works once, on loopback, and none where users exist", async () => {
    const program = bench.launch(["http", "--port", "0"]);
    const { origin } = await listeningUrl(program);
    const link = await linkIn(() => program.stderr);
    expect(link.origin).toBe(origin);
    const me = new Visitor(origin);
    expect((await me.get("/")).text).toMatch(/^longcat-mcp \S+: MCP clients connect to /);
    expect((await me.get(link.pathname)).status).toBe(200);
    expect((await me.get("/gallery.js")).status).toBe(200);
    expect((await me.get("/")).text).toContain("There is nothing here yet.");
    expect((await new Visitor(origin).get(link.pathname)).status).toBe(404);
    const token = await users("add", "ada");
    expect((await me.get("/spending")).status).toBe(404);
    await me.post("/login", { token });
    expect((await me.get("/spending")).status).toBe(200);
    await users("revoke", "ada");
    await expect.poll(async () => (await me.get("/spending")).status, PATIENTLY).toBe(404);
    expect(program.stderr).not.toContain(token);
    const next = bench.launch(["http", "--port", "0"]);
    await listeningUrl(next);
    await next.kill("SIGTERM");
    expect(next.stderr).not.toContain("/enter/");
  });

  it("shows the gallery by itself, with the link alone on stdout, and ends in order", async () => {
    const program = bench.launch(["gallery"], { LONGCAT_MCP_LOG_LEVEL: "warn" });
    let out = "";
    program.child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    const link = await linkIn(() => out);
    expect(out).toBe(`${link.href}\n`);
    expect(link.hostname).toBe("127.0.0.1");
    const me = new Visitor(link.origin);
    await me.get(link.pathname);
    expect((await me.get("/spending")).status).toBe(200);
    const stream = await fetch(`${link.origin}/events`, { headers: { cookie: me.cookie } });
    expect(stream.status).toBe(200);
    await program.kill("SIGTERM");
    expect([program.child.exitCode, bench.posts]).toEqual([0, 0]);
  });
});
