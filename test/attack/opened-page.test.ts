import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { Visitor } from "../support/gallery-rig.ts";

/* What opens in the browser of whoever sits at this machine, with an opener of the test's own. */

const TOOL = "longcat_image_generate";
const WISH = { prompt: "A small boat at sea", image_size: "landscape_4_3", wait_seconds: 40 };

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const noted = () => join(bench.folder, "opened.txt");

/** A folder for the search path with what opens pages on every platform. */
async function opener(): Promise<Record<string, string>> {
  const folder = join(bench.folder, "bin");
  await mkdir(folder, { recursive: true });
  for (const name of ["xdg-open", "open"]) {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${noted()}'\nexit 0\n`);
    await chmod(path, 0o755);
  }
  return {
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
    DISPLAY: ":99",
    LONGCAT_MCP_OPEN_PAGES: "on",
  };
}

const opened = async () =>
  existsSync(noted()) ? (await readFile(noted(), "utf8")).trim().split("\n") : [];

async function inDoubt(client: McpClient, prompt = WISH.prompt): Promise<string> {
  bench.sandbox.faults.add({ kind: "reset-before", match: { method: "POST" } });
  const result = await client.call(TOOL, { ...WISH, prompt });
  expect(textOf(result)).toContain("price stays reserved");
  return jobIdOf(result);
}

const look = async (client: McpClient, job_id: string) =>
  textOf(await client.call("job_status", { job_id }));

describe("a job in doubt, where the host lets nobody be asked", () => {
  it.each(["sdk 1.x", "client 2.x"] as const)("is settled on a page, %s", async (kind) => {
    const { client, program } = await bench.connect(kind, "stdio", await opener());
    const jobId = await inDoubt(client);
    expect(await opened()).toEqual([]);
    const text = await look(client, jobId);
    expect(text).toContain("A page has been opened in the user's browser");
    expect(await look(client, jobId)).toContain("A page has been opened");
    expect(textOf(await client.call(TOOL, WISH))).toContain("A page has been opened");
    const pages = await opened();
    expect(pages).toHaveLength(1);
    const link = new URL(pages[0] ?? "");
    expect(link.hostname).toBe("127.0.0.1");

    const me = new Visitor(link.origin);
    expect((await me.get(link.pathname)).headers["refresh"]).toContain(`/jobs/${jobId}#settle`);
    expect((await new Visitor(link.origin).get(link.pathname)).status).toBe(404);
    expect((await me.get(`/jobs/${jobId}`)).text).toContain("Was it charged?");
    await me.post(`/jobs/${jobId}/settle`, { verdict: "not-charged" });
    expect(await look(client, jobId)).toMatch(/Nothing was charged[\s\S]*Call `longcat_image/i);
    expect((await client.call("spending", {})).structuredContent).toMatchObject({
      uncertain_usd: 0,
      total_usd: 0,
    });
    expect(bench.posts).toBe(1);

    // A page that listens does not hold the program.
    const stream = await fetch(`${link.origin}/events`, { headers: { cookie: me.cookie } });
    expect(stream.status).toBe(200);
    const said = program.output + program.stderr;
    expect(said).not.toContain(link.pathname);
    expect(said).not.toContain(link.host);
    program.child.stdin?.end();
    await expect.poll(() => program.child.exitCode, PATIENTLY).toBe(0);
    await stream.body?.cancel().catch(() => undefined);
  });

  it("is told as ever where there is nothing that opens a page", async () => {
    const env = { ...(await opener()), PATH: join(bench.folder, "nothing-here") };
    const { client, program } = await bench.connect("sdk 1.x", "stdio", env);
    const jobId = await inDoubt(client);
    for (const text of [await look(client, jobId), await look(client, jobId)]) {
      expect(text).not.toContain("browser");
      expect(text).toContain(`jobs settle ${jobId}`);
    }
    expect(program.output + program.stderr).not.toContain("/enter/");
  });

  it.each([
    ["switched off", { LONGCAT_MCP_OPEN_PAGES: "off" }],
    ["on the sandbox", { LONGCAT_MCP_SANDBOX: "on" }],
    ...(process.platform === "linux" ? [["without a screen", { DISPLAY: "" }] as const] : []),
  ] satisfies (readonly [string, Record<string, string>])[])("opens nothing %s", async (_, env) => {
    const { client } = await bench.connect("sdk 1.x", "stdio", { ...(await opener()), ...env });
    const isImitated = "LONGCAT_MCP_SANDBOX" in env;
    const prompt = isImitated ? "A boat [[fault:reset-before]]" : WISH.prompt;
    const jobId = isImitated
      ? jobIdOf(await client.call(TOOL, { ...WISH, prompt }))
      : await inDoubt(client);
    expect(await look(client, jobId)).not.toContain("browser");
    expect(await opened()).toEqual([]);
  });

  it("opens nothing over HTTP, whose caller may sit anywhere", async () => {
    const { client } = await bench.connect("client 2.x", "http", await opener());
    const jobId = await inDoubt(client);
    expect(await look(client, jobId)).toContain(`jobs settle ${jobId}`);
    expect(await opened()).toEqual([]);
  });
});
