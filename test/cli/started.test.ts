import { expect, test } from "vitest";
import { startWords } from "../../src/cli/started.ts";
import { quoted, runnable } from "../../src/core/program.ts";

const facts = {
  platform: "linux",
  env: { PATH: "/usr/bin:/bin" },
  execPath: "/usr/bin/node",
} as const;

test.each([
  ["a package runner", "/home/a/.npm/_npx/0a1b/node_modules/.bin/longcat-mcp", "npx longcat-mcp"],
  ["a program on the path", "/usr/bin/longcat-mcp", "longcat-mcp"],
  ["a program elsewhere", "/opt/my tools/longcat-mcp", "'/opt/my tools/longcat-mcp'"],
  ["a file", "/srv/longcat-mcp/dist/cli.js", "node /srv/longcat-mcp/dist/cli.js"],
  ["a file behind an odd path", "/srv/it's/cli.js", "node '/srv/it'\\''s/cli.js'"],
])("a start by %s is named as it can be typed", (_, script, words) => {
  expect(startWords({ ...facts, script })).toBe(words);
});

test("what only a package runner finds is named in full", () => {
  const bin = "/srv/project/node_modules/.bin";
  const env = { PATH: `${bin}:/usr/bin` };
  expect(startWords({ ...facts, env, script: `${bin}/longcat-mcp` })).toBe(`${bin}/longcat-mcp`);
});

test("a Node that the shell does not find is named in full; a host's own is not Node to a user", () => {
  const script = "/a/cli.js";
  expect(startWords({ ...facts, execPath: "/home/a/.nvm/bin/node", script })).toBe(
    "/home/a/.nvm/bin/node /a/cli.js",
  );
  expect(startWords({ ...facts, execPath: "/opt/Claude/claude", script })).toBe("node /a/cli.js");
});

test("on Windows a path keeps its backslashes and stands in double quotes", () => {
  expect(quoted("C:\\tools\\cli.js", "win32")).toBe("C:\\tools\\cli.js");
  expect(quoted("C:\\my tools\\cli.js", "win32")).toBe('"C:\\my tools\\cli.js"');
  expect(quoted("/a\\b", "linux")).toBe("'/a\\b'");
});

test("every command in an advice is the user's own, options last", () => {
  const program = { start: "npx longcat-mcp", options: ["--sandbox", "--data-dir", "/d"] };
  expect(
    runnable("Try `longcat-mcp doctor`, or `longcat-mcp jobs settle x charged`.", program),
  ).toBe(
    "Try `npx longcat-mcp doctor --sandbox --data-dir /d`, or `npx longcat-mcp jobs settle x charged --sandbox --data-dir /d`.",
  );
  expect(runnable("longcat-mcp is a defect", program)).toBe("longcat-mcp is a defect");
});
