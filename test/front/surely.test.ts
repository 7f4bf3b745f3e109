import * as fc from "fast-check";
import { expect, test } from "vitest";
import { placeOfCode, plainly } from "../../src/front/surely.ts";
import { checkSettings } from "../../src/settings/settings.ts";
import { SETTINGS } from "../../src/settings/specs.ts";

const NAMES = Object.values(SETTINGS).flatMap(({ env }) => [env, `${env}_FILE`]);
const values = fc.constantFrom(
  ...["", " ", "0", "1", "on", "OFF", "maybe", "-1", "1.5", "$5", "99999999999", "2000", "2001"],
  ...["0007", "images", "warn", "silent", "/tmp/pictures", `/tmp/\${HOME}`, "relative/folder"],
  ...["C:\\pictures", "https://host.test/base", "https://user:pass@host.test", "{}", '"quoted"'],
  ...["http://999.1.1.1", "http://host.test/?q", "sk-0123456789abcdef", "your-api-key-here"],
  ...["two words of a key", `\${user_config.key}`, "65536", "4010", "full", "trace"],
);

function slip(name: string, at: number, put: string): string {
  const place = at % name.length;
  return name.slice(0, place) + put + name.slice(place + 1);
}

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES) },
  fc.constantFrom(
    ...["LONGCAT_MCP_BUGDET_USD_PER_DAY", "LONGCATMCP_SANDBOX", "PIXAZO_BUDGET_USD_PER_DAY"],
    ...["LNGCT_MCP_SANDBOX", "longcat_mcp_prices", "LONGCAT_MC_SANDBX", "HTTPS_PROXY", "PATH"],
    ...["LOCATION", "CATALOGUE_OF_THINGS"],
  ),
  fc
    .tuple(fc.constantFrom(...NAMES), fc.nat(40), fc.nat(40), fc.constantFrom("", "X", "_"))
    .map(([name, at, then, put]) => slip(slip(name, at, put), then, put)),
);

/** What the program makes of the same settings. */
function program(env: Record<string, string>, flags: Record<string, string>) {
  return checkSettings({
    env: { HOME: "/home/somebody", ...env },
    flags,
    platform: "linux",
    workingDir: "/home/somebody/work",
    readFile: () => "",
  });
}

test("what passes for plain is right, and offers all tools with the usual waits", () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.dictionary(names, values, { maxKeys: 3 }), fc.boolean(), (env, isSwitched) => {
      const found = plainly(env, isSwitched ? ["--sandbox"] : []);
      if (!found) return;
      plain++;
      const { settings, problems } = program(env, isSwitched ? { sandbox: "true" } : {});
      const { toolsets, maxWaitSeconds, publicPort, publicUrl, sandbox } = settings;
      expect(problems).toEqual([]);
      expect({ toolsets, maxWaitSeconds }).toEqual({
        toolsets: ["images", "chat"],
        maxWaitSeconds: 45,
      });
      expect(publicPort ?? publicUrl).toBeUndefined();
      expect(found.sandbox).toBe(sandbox);
    }),
    { numRuns: 1_500 },
  );
  expect(plain).toBeGreaterThan(100);
});

test("a host's usual settings are plain", () => {
  const env = {
    PATH: "/usr/bin",
    HOME: "/home/somebody",
    PIXAZO_API_KEY: "0123456789abcdef0123456789abcdef",
    LONGCAT_API_KEY: "ak_0123456789abcdef",
    LONGCAT_MCP_OUTPUT_DIR: "/home/somebody/Pictures/of mine",
    LONGCAT_MCP_BUDGET_USD_PER_DAY: "2.50",
    LONGCAT_MCP_LOG_LEVEL: "trace",
    LONGCAT_MCP_OPEN_PAGES: "off",
  };
  expect(plainly(env, [])).toMatchObject({ sandbox: false });
  expect(plainly(env, ["stdio", "--sandbox"])).toMatchObject({ sandbox: true });
});

test.each([
  [["http"]],
  [["--port", "1"]],
  [["doctor"]],
  [["--sandbox=false"]],
  [["stdio", "stdio"]],
])("other words are the program's: %j", (words) => {
  expect(plainly({}, words)).toBeUndefined();
});

test.each([
  [{}, [], { sandbox: false }],
  [{ LONGCAT_MCP_SANDBOX: "on" }, ["stdio"], { sandbox: true }],
  [{ LONGCAT_MCP_TOOLSETS: "chat" }, ["http", "--port", "1"], { sandbox: false }],
  [
    { LONGCAT_MCP_DATA_DIR: "/srv/longcat" },
    ["http", "--sandbox"],
    { sandbox: true, dataDir: "/srv/longcat" },
  ],
])("a server's compiled code is kept beside its jobs: %j %j", (env, words, place) => {
  expect(placeOfCode(env, words)).toEqual({ dataDir: undefined, ...place });
});

test.each([
  [{ LONGCAT_MCP_CODE_CACHE: "off" }, ["http"]],
  [{ LONGCAT_MCP_CODE_CACHE: "perhaps" }, ["http"]],
  [{ LONGCAT_MCP_SANDBOX: "perhaps" }, []],
  [{ LONGCAT_MCP_DATA_DIR: "relative/folder" }, ["http"]],
  [{}, ["http", "--data-dir=/srv/longcat"]],
  [{}, ["http", "--data-dir", "/srv/longcat"]],
  [{}, ["--sandbox=false"]],
  [{}, ["jobs"]],
])("it is kept nowhere where that place is not sure, nor for what ends: %j %j", (env, words) => {
  expect(placeOfCode(env, words)).toBeUndefined();
});
