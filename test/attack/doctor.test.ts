import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, TEST_KEY } from "../e2e/harness.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

async function examine(env: Record<string, string> = {}, args: string[] = []) {
  const program = bench.launch(["doctor", ...args], env);
  let stdout = "";
  program.child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  const code = await program.exited();
  const wrong = stdout.split("\n").filter((line) => line.startsWith("FAIL"));
  return { code, stdout, wrong, stderr: program.stderr };
}

/** Every file below a folder, with its size and time of change. */
async function everything(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  const found = entries.map(async (name) => {
    const { size, mtimeMs, mode } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs} ${mode}`;
  });
  return (await Promise.all(found)).sort();
}

test("changes nothing where nothing is yet, and sends nothing", async () => {
  const { code, wrong, stdout, stderr } = await examine();
  expect({ code, wrong, stderr }).toEqual({ code: 0, wrong: [], stderr: "" });
  expect(stdout).toMatch(/ok {4}output folder +\S+, which is made when it is needed\n/);
  expect(stdout).toMatch(/ok {4}PIXAZO_API_KEY +set\n/);
  expect(await everything(bench.folder)).toEqual([]);
  expect(bench.sandbox.requests()).toEqual([]);
});

test("changes nothing where there is something, an older or a newer database included", async () => {
  const { program, client } = await bench.connect("sdk 1.x");
  await client.call("qwen_image_generate", { prompt: "A quiet harbour" });
  await program.close();
  await Promise.all(bench.programs.map((one) => one.kill("SIGKILL")));
  const before = await everything(bench.folder);
  const asked = bench.sandbox.requests().length;
  expect(await examine()).toMatchObject({ code: 0, wrong: [] });
  expect(await everything(bench.folder)).toEqual(before);
  expect(bench.sandbox.requests()).toHaveLength(asked);

  for (const [name, version] of [
    ["older", 0],
    ["newer", 9_999],
  ] as const) {
    const folder = join(bench.folder, name);
    await mkdir(folder);
    const db = new DatabaseSync(join(folder, "jobs.db"));
    db.exec(`CREATE TABLE t (x); PRAGMA user_version = ${version}`);
    db.close();
    const there = await everything(folder);
    const { wrong } = await examine({ LONGCAT_MCP_DATA_DIR: folder });
    expect(wrong).toEqual(
      version === 0 ? [] : [expect.stringMatching(/job database .*written by a newer version/)],
    );
    expect(await everything(folder)).toEqual(there);
  }
});

test("marks every setting that is wrong, each by its name, and nothing else", async () => {
  const { code, wrong, stdout } = await examine({
    LONGCAT_MCP_PREVIEWS: "maybe",
    LONGCAT_MCP_MAX_WAIT_SECONDS: "soon",
    LONGCAT_MCP_BUGDET_USD_PER_DAY: "5",
    LONGCAT_MCP_PRICES: '{"z_image_trubo_generate": 1}',
    HTTPS_PROXY: "socks5://user:secret-word@proxy.example",
    LONGCAT_MCP_INPUT_DIRS: "/nowhere/a;/nowhere/b",
  });
  expect(code).toBe(1);
  expect(wrong).toHaveLength(5);
  for (const name of ["PREVIEWS", "MAX_WAIT_SECONDS", "BUGDET_USD_PER_DAY", "PRICES"]) {
    expect(wrong).toContainEqual(expect.stringContaining(`LONGCAT_MCP_${name}`));
  }
  expect(wrong).toContainEqual(expect.stringContaining("HTTPS_PROXY"));
  expect(stdout).toMatch(/note +setting +LONGCAT_MCP_INPUT_DIRS names .*separated by ":"/);
  expect(stdout).not.toContain("secret-word");
  expect(stdout).not.toContain(TEST_KEY);
});

test.each([
  ["only the chat key", { PIXAZO_API_KEY: "" }, []],
  ["only the gateway's key", { LONGCAT_API_KEY: "" }, []],
  [
    "no key in the sandbox",
    { PIXAZO_API_KEY: "", LONGCAT_API_KEY: "", LONGCAT_MCP_SANDBOX: "1" },
    [],
  ],
  ["no key", { PIXAZO_API_KEY: "", LONGCAT_API_KEY: "" }, [/PIXAZO_API_KEY +not set/]],
  [
    "a misspelt key",
    { PIXAZO_API_KEY: "", LONGCAT_API_KEY: "", PIXAZO_APIKEY: TEST_KEY },
    [/PIXAZO_APIKEY is set, but is not read: it must be PIXAZO_API_KEY/],
  ],
])("%s is judged for what it is", async (_, env: Record<string, string>, expected: RegExp[]) => {
  const { code, wrong } = await examine(env);
  expect(wrong).toEqual(expected.map((words) => expect.stringMatching(words)));
  expect(code).toBe(expected.length === 0 ? 0 : 1);
});

test("folders that cannot be used are wrong, and only they", async () => {
  await writeFile(join(bench.folder, "file"), "");
  const { wrong } = await examine({
    LONGCAT_MCP_DATA_DIR: join(bench.folder, "file", "below"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, "file"),
  });
  expect(wrong).toEqual([
    expect.stringMatching(/output folder +\S+ is not a folder/),
    expect.stringMatching(/data folder +\S+ is not a folder/),
  ]);
});

test("--online asks the chat platform, which knows a wrong key", async () => {
  const right = await examine({}, ["--online"]);
  expect(right.stdout).toMatch(/ok {4}LONGCAT_API_KEY +accepted by /);
  expect(bench.sandbox.requests().length).toBeGreaterThan(0);
  const wrong = await examine({ LONGCAT_API_KEY: "another-key-0123456789" }, ["--online"]);
  expect(wrong.wrong).toEqual([expect.stringContaining("LONGCAT_API_KEY")]);
});
