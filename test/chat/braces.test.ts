import { describe, expect, it } from "vitest";
import { expandBraces } from "../../src/chat/braces.ts";
import { Effort } from "../../src/chat/effort.ts";
import { compileGlob, compileWay, firstMagic } from "../../src/chat/glob.ts";

describe("braces stand for", () => {
  it.each([
    ["a", ["a"]],
    ["", [""]],
    ["{a,b}", ["a", "b"]],
    ["x{a,b}y", ["xay", "xby"]],
    ["{a,b}{1,2}", ["a1", "a2", "b1", "b2"]],
    ["{a,{b,c}}", ["a", "b", "c"]],
    ["a{,b}", ["a", "ab"]],
    ["{1..3}", ["1", "2", "3"]],
    ["{3..1}", ["3", "2", "1"]],
    ["{-1..1}", ["-1", "0", "1"]],
    ["{a..c}.ts", ["a.ts", "b.ts", "c.ts"]],
    ["{C..A}", ["C", "B", "A"]],
    ["{1..2}{a..b}", ["1a", "1b", "2a", "2b"]],
  ])("what %j says", (pattern, all) => {
    expect(expandBraces(pattern)).toEqual(all);
  });

  it.each(["{a}", "{}", "{a", "a}", "{a..}", "{..}", "{1..b}", "\\{a,b}", "[{]a,b}", "{ab..cd}"])(
    "themselves in %j",
    (pattern) => {
      expect(expandBraces(pattern)).toEqual([pattern]);
    },
  );

  it("no more than 200 patterns, whichever way they are written", () => {
    expect(expandBraces("{1..200}")).toHaveLength(200);
    for (const more of ["{1..201}", "{1..2}{1..101}", `{${"a,".repeat(200)}b}`, "{1..999999999}"]) {
      expect(() => expandBraces(more), more).toThrow("more than 200 patterns");
    }
  });
});

describe("a pattern matches a way through folders", () => {
  const matches = (pattern: string, path: string, dot = false) =>
    compileGlob(pattern, dot).matches(path.split("/"), new Effort());

  it.each([
    ["a.ts", "a.ts"],
    ["*.ts", "a.ts"],
    ["?.ts", "a.ts"],
    ["?.ts", "🎨.ts"],
    ["[abc].ts", "b.ts"],
    ["[a-c].ts", "b.ts"],
    ["[!x].ts", "b.ts"],
    ["[^x].ts", "b.ts"],
    ["[]].ts", "].ts"],
    ["[[:digit:]].ts", "7.ts"],
    ["[[:alpha:]].ts", "é.ts"],
    ["[\\]a].ts", "].ts"],
    ["[a\\-z].ts", "-.ts"],
    ["\\*.ts", "*.ts"],
    ["src/*.ts", "src/a.ts"],
    ["./src//a.ts", "src/a.ts"],
    ["**", "a/b/c"],
    ["**/*.ts", "a.ts"],
    ["**/*.ts", "a/b/c.ts"],
    ["a/**", "a/b/c"],
    ["a/**/c", "a/c"],
    ["a/**/**/c", "a/x/y/c"],
    ["**/b/**", "a/b/c"],
    ["{a,b}/*.{ts,md}", "b/x.md"],
    ["@(a|b).ts", "a.ts"],
    ["?(a)b.ts", "ab.ts"],
    ["+(ab).ts", "abab.ts"],
    ["*(ab)x.ts", "x.ts"],
    ["!(a).ts", "b.ts"],
    [".hidden", ".hidden"],
    [".*", ".hidden"],
    ["cafe\u0301", "caf\u00e9"],
    ["[", "["],
    ["a[b", "a[b"],
  ])("%s: %s", (pattern, path) => {
    expect(matches(pattern, path)).toBe(true);
  });

  it.each([
    ["a.ts", "b.ts"],
    ["*.ts", "a.md"],
    ["*.ts", "src/a.ts"],
    ["*", ".hidden"],
    ["?hidden", ".hidden"],
    ["**", ".git/config"],
    ["**/config", "a/.git/config"],
    ["?.ts", "ab.ts"],
    ["[a-c].ts", "d.ts"],
    ["[!a].ts", "a.ts"],
    ["[[:digit:]].ts", "x.ts"],
    ["\\*.ts", "a.ts"],
    ["a/**", "a"],
    ["a/**/c", "a/b"],
    ["**/b/**", "a/b"],
    ["src/*.ts", "src/a/b.ts"],
    ["@(a|b).ts", "ab.ts"],
    ["+(ab).ts", ".ts"],
    ["!(a).ts", "a.ts"],
    ["A.ts", "a.ts"],
  ])("%s, and not %s", (pattern, path) => {
    expect(matches(pattern, path)).toBe(false);
  });

  it("hidden names as well, where that was said", () => {
    for (const [pattern, path] of [
      ["*", ".hidden"],
      ["**", ".git/config"],
      ["**/config", "a/.git/config"],
    ] as const) {
      expect(matches(pattern, path, true)).toBe(true);
    }
  });

  it("without groups where a file of rules has none", () => {
    const way = compileWay("@(a|b)", { dot: true, groups: false });
    expect(way.matches(["a"], new Effort())).toBe(false);
    expect(way.matches(["@(a|b)"], new Effort())).toBe(true);
  });
});

describe("the first character that means something", () => {
  it.each([
    ["abc", -1],
    ["", -1],
    ["a*", 1],
    ["a?", 1],
    ["ab[c]", 2],
    ["ab[c", -1],
    ["{a,b}", 0],
    ["{a}", -1],
    ["x@(a|b)", 1],
    ["x@a", -1],
    ["\\*a*", 3],
    ["src/a b/*.ts", 8],
  ])("of %j is at %d", (pattern, at) => {
    expect(firstMagic(pattern)).toBe(at);
  });
});
