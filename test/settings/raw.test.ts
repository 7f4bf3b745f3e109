import { delimiter } from "node:path";
import { describe, expect, it } from "vitest";
import {
  defaultDataDir,
  expandFolder,
  homeOf,
  isUnfilledFolder,
  missingFolder,
  splitFolders,
} from "../../src/settings/folders.ts";
import { cleanValue, isPlaceholderKey, isUnfilled } from "../../src/settings/raw.ts";

const unfilled = (name: string) => `\${${name}}`;

describe("a value as it stands in a variable", () => {
  it.each([
    ["a", "a"],
    ["  a  ", "a"],
    ['"a b"', "a b"],
    ["' a '", "a"],
    ["\"a'", "\"a'"],
    ["'\"a\"'", '"a"'],
    ["", undefined],
    ["   ", undefined],
    ['""', undefined],
    ["' '", undefined],
    [undefined, undefined],
    [unfilled("user_config.key"), undefined],
    [`"${unfilled("user_config.key")}"`, undefined],
    [unfilled("KEY"), unfilled("KEY")],
  ])("%j means %j", (given, value) => {
    expect(cleanValue(given)).toBe(value);
  });
});

describe("what a host has left for someone to fill in", () => {
  it.each([
    unfilled("KEY"),
    unfilled("env:KEY"),
    `x${unfilled("KEY")}y`,
    "$(KEY)",
    "{{KEY}}",
    "%KEY%",
    "$KEY",
    "<your key>",
    "https://%HOST%/a",
    "https://a/%CAFE%",
  ])("is seen in %j", (value) => {
    expect(isUnfilled(value)).toBe(true);
  });

  it.each([
    "key-123",
    "a$b",
    "5 $",
    "100%",
    "%",
    "{a}",
    "a<b>c",
    "<a><b>",
    "$",
    "$1",
    "a://%C3%A4%C3",
  ])("is not seen in %j", (value) => {
    expect(isUnfilled(value)).toBe(false);
  });

  it.each([
    ["$HOME/a", false],
    [`${unfilled("HOME")}/a`, false],
    [`${unfilled("workspaceFolder")}/a`, true],
    ["/a/$HOME", false],
    ["~/a", false],
  ])("in the folder %j: %s", (path, is) => {
    expect(isUnfilledFolder(path)).toBe(is);
  });
});

describe("where a key belongs", () => {
  it.each([
    "your-api-key",
    "YOUR_API_KEY",
    "yourApiKey",
    "<your key>",
    "Bearer your-key",
    "insert key",
    "paste-your-token-here",
    "put it here",
    "sk-xxxxxxxx",
    "sk-...",
    "…",
    "****",
    "xxx",
    "api-key",
    "API KEY",
    "token",
    "changeme",
    "change-me",
    "TODO",
    "placeholder",
    "null",
    "undefined",
    "[key]",
    unfilled("KEY"),
  ])("%j only says that one does", (value) => {
    expect(isPlaceholderKey(value)).toBe(true);
  });

  it.each([
    "ak_1a2b3c4d5e6f",
    "sk-abc123xxxyyy",
    "0123456789abcdef",
    "yourselfabc123",
    "myk3y9f8a7",
    "Bearer ak_1a2b3c",
    "heretic-99",
    "token-8f7a6b5c",
  ])("%j may be one", (value) => {
    expect(isPlaceholderKey(value)).toBe(false);
  });
});

describe("folders", () => {
  const list = (...paths: string[]) => paths.join(delimiter);

  it.each([
    [list("/a", "/b"), ["/a", "/b"]],
    [list(" /a ", "", '"/b c"'), ["/a", "/b c"]],
    ["", []],
    [delimiter, []],
    [list(unfilled("env:X"), "/b"), [unfilled("env:X"), "/b"]],
  ])("in %j are %j", (text, folders) => {
    expect(splitFolders(text)).toEqual(folders);
  });

  it.each([
    ["~", "/home/anna"],
    ["~/a", "/home/anna/a"],
    [" $HOME/a ", "/home/anna/a"],
    [`${unfilled("HOME")}/a`, "/home/anna/a"],
    ["$HOMER/a", "/anywhere/$HOMER/a"],
    ["~anna/a", "/anywhere/~anna/a"],
    ["a/../b", "/anywhere/b"],
    ["/a/./b/", "/a/b"],
  ])("%j in full is %j", (path, full) => {
    expect(expandFolder(path, "/home/anna", "/anywhere")).toBe(full);
  });

  it("begin at home, whichever variable says where that is", () => {
    expect(homeOf({ HOME: "/home/anna", USERPROFILE: "C:\\anna" })).toBe("/home/anna");
    expect(homeOf({ HOME: " ", USERPROFILE: "/users/anna" })).toBe("/users/anna");
    expect(homeOf({})).not.toBe("");
  });

  it.each([
    ["darwin", {}, "/h/Library/Application Support/longcat-mcp"],
    ["linux", {}, "/h/.local/share/longcat-mcp"],
    ["linux", { XDG_DATA_HOME: "/data" }, "/data/longcat-mcp"],
    ["linux", { XDG_DATA_HOME: "" }, "/h/.local/share/longcat-mcp"],
    ["win32", {}, "/h/AppData/Local/longcat-mcp"],
    ["win32", { LOCALAPPDATA: "/local" }, "/local/longcat-mcp"],
  ] as const)("of an application's data are where %s has them (%j)", (platform, env, path) => {
    expect(defaultDataDir(platform, env, "/h")).toBe(path);
  });

  it.each([
    ["/a", ""],
    ["/one,/two", `Several are separated by "${delimiter}" here, not by ",".`],
    ["/one\n/two", `Several are separated by "${delimiter}" here, not by a new line.`],
    ["/one;/two", delimiter === ":" ? 'not by ";".' : ""],
  ])("that are not there are named, with what may be wrong (%j)", (path, hint) => {
    const words = missingFolder("LONGCAT_MCP_INPUT_DIRS", path);
    expect(words).toMatch(/^LONGCAT_MCP_INPUT_DIRS names \/.*, which is not a folder\./);
    expect(words).toContain(hint);
    if (hint === "") expect(words.endsWith("which is not a folder.")).toBe(true);
  });
});
