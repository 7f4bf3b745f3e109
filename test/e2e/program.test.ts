// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "./answers.ts";
import { Bench, listeningUrl } from "./harness.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test("a wrong setting is one clear line and exit code 2", async () => {
  const { code, stdout, stderr } = await bench.run([], { LONGCAT_MCP_PREVIEWS: "maybe" });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^longcat-mcp: LONGCAT_MCP_PREVIEWS must be one of off, on, full.*\n$/);
  expect(stdout).toBe("");
});

test("an output folder that cannot be used refuses purchases only", async () => {
  await writeFile(join(bench.folder, "file"), "");
  const { client } = await bench.connect("sdk 1.x", "stdio", {
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, "file"),
  });
  const result = await client.call("z_image_turbo_generate", {
    prompt: "x",
    image_size: "square_1_1",
  });
  expect(textOf(result)).toMatch(/^storage: The output folder .* cannot be written/);
  expect(bench.posts).toBe(0);
});

test("--help names every setting; --version is a version", async () => {
  const help = await bench.run(["--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("PIXAZO_API_KEY");
  expect(help.stdout).toContain("LONGCAT_MCP_POLL_FLOOR_MS");
  expect((await bench.run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("help is the program's page, and version its version", async () => {
  expect((await bench.run(["help"])).stdout).toBe((await bench.run(["--help"])).stdout);
  expect((await bench.run(["version"])).stdout).toBe((await bench.run(["--version"])).stdout);
});

test("what is unfilled or not there is told in a line each, and the server starts", async () => {
  const { client, program } = await bench.connect("sdk 1.x", "stdio", {
    PIXAZO_API_KEY: "${env:PIXAZO_API_KEY}",
    PIXAZO_APIKEY: "test-key-0123456789abcdef",
    LONGCAT_MCP_INPUT_DIRS: "/nowhere/a,/nowhere/b",
    LONGCAT_MCP_LOG_LEVEL: "silent",
  });
  const result = await client.call("z_image_turbo_generate", {
    prompt: "x",
    image_size: "square_1_1",
  });
  expect(textOf(result)).toMatch(
    /^configuration: No API key for the image gateway is set: PIXAZO_API_KEY is missing\. PIXAZO_APIKEY is set, but is not read/,
  );
  expect(bench.posts).toBe(0);
  expect(program.stderr.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^longcat-mcp: PIXAZO_API_KEY holds a placeholder/),
    expect.stringMatching(/^longcat-mcp: LONGCAT_MCP_INPUT_DIRS names .* separated by ":"/),
  ]);
});

test("a key file is read, with or without Bearer", async () => {
  const path = join(bench.folder, "key");
  await writeFile(path, "Bearer test-key-0123456789abcdef\n");
  const { client } = await bench.connect("sdk 1.x", "stdio", {
    PIXAZO_API_KEY: "",
    PIXAZO_API_KEY_FILE: path,
  });
  const result = await client.call("qwen_image_generate", { prompt: "x" });
  expect(textOf(result)).toMatch(/ completed in /);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends the server with exit code 0", async (signal) => {
  const { client, program } = await bench.connect("sdk 1.x");
  // Before the program is loaded nothing can be under way, and the signal itself ends the process.
  await client.call("job_list", {});
  await program.kill(signal);
  expect(program.child.exitCode).toBe(0);
});

test("the end of stdin ends the server with exit code 0", async () => {
  const { program } = await bench.connect("client 2.x");
  await program.close();
  expect(program.child.exitCode).toBe(0);
});

test("over HTTP, a foreign Host or Origin is refused and health is told", async () => {
  const program = bench.launch(["http", "--port", "0"]);
  const url = await listeningUrl(program);
  const health = await request(new URL("/healthz", url));
  expect(await health.body.json()).toMatchObject({ status: "ok" });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const post = (extra: Record<string, string>) =>
    request(url, { method: "POST", headers: { ...headers, ...extra }, body });
  expect((await post({})).statusCode).toBe(200);
  expect((await post({ host: "evil.example" })).statusCode).toBe(403);
  expect((await post({ origin: "https://evil.example" })).statusCode).toBe(403);
  expect((await post({ origin: "http://localhost:3000" })).statusCode).toBe(200);
});

test("the sandbox runs alone and answers a plain client", async () => {
  const program = bench.launch(["sandbox", "--port", "0"]);
  const origin = new URL("/", await listeningUrl(program)).origin;
  const reply = await request(`${origin}/qwen-image/v1/generateMultimodeTextToImageRequest`, {
    method: "POST",
    headers: { "content-type": "application/json", "Ocp-Apim-Subscription-Key": "any" },
    body: JSON.stringify({
      model: "qwen-image",
      input: { messages: [{ role: "user", content: [{ text: "A quiet harbour" }] }] },
    }),
  });
  expect(reply.statusCode).toBe(200);
  const { images } = (await reply.body.json()) as { images: { url: string }[] };
  const picture = await request(images[0]?.url ?? "");
  expect(picture.headers["content-type"]).toBe("image/png");
});

test("a bare start on a terminal says what it waits for; behind a pipe it says nothing", async () => {
  const program = bench.launch([], { LONGCAT_MCP_LOG_LEVEL: "silent" });
  await program.close();
  expect(program.stderr).toBe("");
  const { PATH = "" } = process.env;
  const terminal = spawn("script", ["-qec", `${process.execPath} ${CLI}`, "/dev/null"], {
    cwd: bench.folder,
    env: { PATH, HOME: bench.folder, LONGCAT_MCP_DATA_DIR: bench.dataDir },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  for await (const chunk of terminal.stdout) {
    shown += String(chunk);
    // Ctrl+D, as the words say.
    if (shown.includes(" demo")) terminal.stdin.end("\u0004");
  }
  expect(shown).toMatch(/waits here for an MCP client to speak on stdin; Ctrl\+D ends it/);
  expect(shown).toMatch(/node \S+\/dist\/cli\.js demo/);
});

test("what a start needs first is a small file that brings no package", async () => {
  const front = await readFile(CLI, "utf8");
  expect(front.length).toBeLessThan(20_000);
  const needed = [...front.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name);
  expect(needed).not.toEqual([]);
  expect(needed.filter((name) => !name?.startsWith("node:"))).toEqual([]);
});
