import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, listeningUrl, textOf } from "./harness.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

async function run(args: string[], env: Record<string, string> = {}) {
  const program = bench.launch(args, env);
  let stdout = "";
  program.child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  const code = await program.exited();
  return { code, stdout, stderr: program.stderr };
}

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["an unknown command", ["serve"], {}, /"serve" is not a command/],
  ["an unknown flag", ["--speed", "3"], {}, /--help/],
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
  ["a public host", ["http", "--host", "0.0.0.0"], {}, /--host must be one of 127\.0\.0\.1/],
  [
    "a key file that is not there",
    [],
    { PIXAZO_API_KEY: "", PIXAZO_API_KEY_FILE: "/nowhere/key" },
    /PIXAZO_API_KEY_FILE names \/nowhere\/key/,
  ],
])("%s is one clear line and exit code 2", async (_, args, env, message) => {
  const { code, stdout, stderr } = await run(args, env);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
});

test("a data folder that cannot be used is one line and exit code 2", async () => {
  await writeFile(join(bench.folder, "file"), "");
  const { code, stderr } = await run([], { LONGCAT_MCP_DATA_DIR: join(bench.folder, "file") });
  expect(code).toBe(2);
  expect(stderr.trim().split("\n")).toHaveLength(1);
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
  const help = await run(["--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("PIXAZO_API_KEY");
  expect(help.stdout).toContain("LONGCAT_MCP_POLL_FLOOR_MS");
  expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("doctor says what is there, and exits 1 where something is missing", async () => {
  const well = await run(["doctor"]);
  expect(well.code).toBe(0);
  expect(well.stdout).toMatch(/ok {4}PIXAZO_API_KEY +set\n/);
  const keyless = await run(["doctor"], { PIXAZO_API_KEY: "", LONGCAT_API_KEY: "" });
  expect(keyless.code).toBe(1);
  expect(keyless.stdout).toMatch(/FAIL {2}PIXAZO_API_KEY/);
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
  const { program } = await bench.connect("sdk 1.x");
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
