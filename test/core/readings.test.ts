import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CUT_ESCAPE, plainReading, readingsOf } from "../../src/core/readings.ts";

const textsOf = (text: string) => readingsOf(text).map((reading) => reading.text);

describe("a text as somebody might read it", () => {
  it.each([
    ["sk-ABC", ["sk-abc"]],
    ["sk - a b\nc", ["sk-abc"]],
    ["s\u200bk-é1", ["sk-1"]],
    ["sk%2Dabc", ["sk%2dabc", "sk-abc"]],
    ["sk%252Dabc", ["sk%252dabc", "sk%2dabc", "sk-abc"]],
    ["sk\\u002dabc", ["sk\\u002dabc", "sk-abc"]],
    ["sk\\u{2d}abc", ["sk\\u{2d}abc", "sk-abc"]],
    ["sk\\x2dabc", ["sk\\x2dabc", "sk-abc"]],
    ["sk&#45;abc", ["sk&#45;abc", "sk-abc"]],
    ["sk&#x2d;abc", ["sk&#x2d;abc", "sk-abc"]],
    ["sk&hyphen;abc", ["sk&hyphen;abc", "sk-abc"]],
    ["a&amp;#45;b", ["a&amp;#45;b", "a&#45;b", "a-b"]],
    ["a\\\\n b", ["a\\\\nb", "ab"]],
    ["100%", ["100%"]],
    ["", [""]],
  ])("%j reads %j", (text, readings) => {
    expect(textsOf(text)).toEqual(readings);
  });

  it("says where in the text each character came from", () => {
    const text = "A %2D b";
    const last = readingsOf(text).at(-1);
    expect(last?.text).toBe("a-b");
    const pieces = [0, 1, 2].map((at) => text.slice(last?.starts[at], last?.ends[at]));
    expect(pieces).toEqual(["A", "%2D", "b"]);
  });

  it("says so through several rounds", () => {
    const text = "x%25%32%44y";
    const last = readingsOf(text).at(-1);
    expect(last?.text).toBe("x-y");
    expect(text.slice(last?.starts[1], last?.ends[1])).toBe("%25%32%44");
  });

  it("ends, however often escapes are escaped", () => {
    const deep = `%${"25".repeat(50)}2d`;
    expect(readingsOf(deep).length).toBeLessThanOrEqual(7);
  });
});

describe("the one reading of a text without escapes", () => {
  it.each([
    ["Plain words, 1 2 3", "plainwords,123"],
    ["ünïcode", "ncode"],
    ["", ""],
  ])("of %j is %j", (text, reading) => {
    expect(plainReading(text)).toBe(reading);
  });

  it.each(["50%", "a\\b", "a & b"])("is not said of %j, which may have more", (text) => {
    expect(plainReading(text)).toBeUndefined();
  });

  it("is the first of all readings wherever there is one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = plainReading(text);
        const all = textsOf(text);
        if (plain !== undefined) expect(all).toEqual([plain]);
        for (const reading of all) expect(reading).toMatch(/^[\x21-\x40\x5b-\x7e]*$/);
      }),
    );
  });
});

describe("an escape that the end of a text has cut", () => {
  it.each(["a%", "a%2", "a\\", "a\\u00", "a\\u{2", "a\\x2", "a&", "a&#4", "a&hyph"])(
    "is seen in %j",
    (text) => {
      expect(CUT_ESCAPE.test(text)).toBe(true);
    },
  );

  it.each(["a", "a%2d", "a\\u002d", "a&#45;", "a&hyphen;", "100% x"])("is none in %j", (text) => {
    expect(CUT_ESCAPE.test(text)).toBe(false);
  });
});
