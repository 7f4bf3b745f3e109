// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench } from "../e2e/harness.ts";

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

test.each([[[]], [["http", "--port", "0"]], [["jobs", "list"]]])(
  "a folder that is gone is no place to start in, which is one line and exit code 2: %j",
  async (args) => {
    const gone = join(bench.folder, "gone");
    await mkdir(gone);
    const script = 'rmdir "$PWD" && exec "$@"';
    const env = { ...process.env, LONGCAT_MCP_DATA_DIR: join(bench.folder, "data") };
    const { status, stdout, stderr } = spawnSync(
      "sh",
      ["-c", script, "sh", process.execPath, CLI, ...args],
      { cwd: gone, env, input: "", encoding: "utf8" },
    );
    expect(stderr).toMatch(
      /^longcat-mcp: The folder that longcat-mcp was started in is gone\..*\n$/,
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  },
);

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
