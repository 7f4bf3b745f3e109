// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, listeningUrl, textOf } from "./harness.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli.js");

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["an unknown command", ["serve"], {}, /"serve" is not a command\. There are stdio, http/],
  ["a misspelt command", ["docter"], {}, /"docter" is not a command\. Did you mean doctor\?/],
  ["an unknown flag", ["--foo"], {}, /--foo is not an option\. There are --sandbox/],
  [
    "a misspelt flag",
    ["--sandbocks"],
    {},
    /--sandbocks is not an option\. Did you mean --sandbox\?/,
  ],
  ["a flag of another command", ["jobs", "--port", "1"], {}, /--port is no option of jobs/],
  ["a flag without its value", ["http", "--port", "--sandbox"], {}, /--port needs a value/],
  ["a word too many", ["doctor", "now"], {}, /"now" means nothing to doctor/],
  ["help on nothing", ["help", "foo"], {}, /"foo" is not a command/],
  [
    "an unknown action",
    ["jobs", "lst"],
    {},
    /"lst" is nothing to do with jobs; did you mean list\?/,
  ],
  [
    "an action without its job",
    ["jobs", "settle"],
    {},
    /jobs settle <job_id> charged\|not-charged/,
  ],
  [
    "a misspelt budget",
    [],
    { LONGCAT_MCP_BUGDET_USD_PER_DAY: "5" },
    /LONGCAT_MCP_BUGDET_USD_PER_DAY is not a setting; did you mean LONGCAT_MCP_BUDGET_USD_PER_DAY\?/,
  ],
  [
    "a budget that its host did not fill in",
    [],
    { LONGCAT_MCP_BUDGET_USD_PER_DAY: "${env:BUDGET}" },
    /LONGCAT_MCP_BUDGET_USD_PER_DAY holds .* not filled in/,
  ],
  [
    "a proxy of a kind that is not known",
    [],
    { ALL_PROXY: "socks5://user:secret-word@proxy.example" },
    /^longcat-mcp: ALL_PROXY names a SOCKS proxy(?!.*secret-word)/,
  ],
  [
    "a proxy that cannot be read",
    ["http"],
    { https_proxy: "http://" },
    /https_proxy is not the address/,
  ],
  [
    "a public address that only this network sees",
    [],
    { LONGCAT_MCP_PUBLIC_URL: "http://192.168.1.2", PIXAZO_BASE_URL: "https://gateway.example" },
    /LONGCAT_MCP_PUBLIC_URL must be an address that the provider can reach/,
  ],
  [
    "a wrong choice",
    [],
    { LONGCAT_MCP_PREVIEWS: "maybe" },
    /LONGCAT_MCP_PREVIEWS must be one of off, on, full/,
  ],
  [
    "a wrong number",
    [],
    { LONGCAT_MCP_MAX_WAIT_SECONDS: "soon" },
    /LONGCAT_MCP_MAX_WAIT_SECONDS must be a whole number/,
  ],
  ["a wrong switch", [], { LONGCAT_MCP_SANDBOX: "perhaps" }, /LONGCAT_MCP_SANDBOX must be one of/],
  [
    "a wrong URL",
    [],
    { PIXAZO_BASE_URL: "gateway" },
    /PIXAZO_BASE_URL must be an http or https URL/,
  ],
  [
    "a price of a tool that is not there",
    [],
    { LONGCAT_MCP_PRICES: '{"z_image_trubo_generate": 0.01}' },
    /LONGCAT_MCP_PRICES names "z_image_trubo_generate".*"z_image_turbo_generate"/,
  ],
  [
    "a public host",
    ["http", "--host", "0.0.0.0"],
    {},
    /listens elsewhere than on loopback .* users/,
  ],
  [
    "a key file that is not there",
    [],
    { PIXAZO_API_KEY: "", PIXAZO_API_KEY_FILE: "/nowhere/key" },
    /PIXAZO_API_KEY_FILE names \/nowhere\/key/,
  ],
])("%s is one clear line and exit code 2", async (_, args, env, message) => {
  const { code, stdout, stderr } = await bench.run(args, env);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
});

test.each([
  ["a file", "file"],
  ["below a file", "file/below/it"],
  ["below a device", "/dev/null/x"],
  ["where the system shows itself", "/proc/longcat/mcp"],
  ["in what the system shows", "/proc"],
])("a data folder that is %s is one line and exit code 2", async (_, folder) => {
  await writeFile(join(bench.folder, "file"), "");
  for (const args of [[], ["http", "--port", "0"], ["--sandbox"], ["jobs", "list"]]) {
    const { code, stderr } = await bench.run(args, { LONGCAT_MCP_DATA_DIR: folder });
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
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

test.each([
  [["jobs", "--help"], "jobs", /settle <job_id> charged\|not-charged/],
  [["help", "jobs"], "jobs", /--data-dir <value>/],
  [["jobs", "help"], "jobs", /LONGCAT_MCP_DATA_DIR/],
  [["http", "-h"], "http", /--host <value>/],
  [["sandbox", "--help"], "sandbox", /--port <value>/],
  [["demo", "--help"], "demo", /--sandbox-speed <value>/],
  [["doctor", "--help"], "doctor", /--online/],
  [["stdio", "--help"], "stdio", /PIXAZO_API_KEY/],
  [["--port", "1", "http", "--help"], "http", /LONGCAT_MCP_PORT/],
])("%j prints that command's own page", async (args, command, words) => {
  const { code, stdout, stderr } = await bench.run(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^longcat-mcp ${command}: `));
  expect(stdout).toMatch(words);
  if (command !== "http" && command !== "sandbox") expect(stdout).not.toContain("LONGCAT_MCP_PORT");
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
