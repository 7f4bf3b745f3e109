import { describe, expect, it } from "vitest";
import {
  byteCount,
  cleanText,
  grouped,
  MAX_SHOWN_CHARACTERS,
  message,
  oneLine,
  visibleJson,
} from "../../src/core/text.ts";

describe("one line of foreign text", () => {
  it.each([
    ["a\nb", "a b"],
    ["a\r\n\t b", "a b"],
    ["a\u2028b\u2029c", "a b c"],
    ["a\u0085b", "a b"],
    ["  a  ", "a"],
    ["a\u0000b\u001bc", "abc"],
    ["\u202eevil\u202c", "evil"],
    ["a\u200bb\u2060c\u00add", "abcd"],
    ["a\u{E0041}b", "ab"],
    ["a\ud800b", "ab"],
    ["a\u3164b", "ab"],
    ["日本語 ü 🎨", "日本語 ü 🎨"],
    ["", ""],
  ])("%j reads %j", (given, shown) => {
    expect(oneLine(given)).toBe(shown);
  });

  it("is cut behind as many characters as are wanted, and says so", () => {
    expect(oneLine("abcdef", 6)).toBe("abcdef");
    expect(oneLine("abcdef", 5)).toBe("abcde…");
    expect(oneLine("x".repeat(MAX_SHOWN_CHARACTERS))).toBe("x".repeat(MAX_SHOWN_CHARACTERS));
    expect(oneLine("x".repeat(MAX_SHOWN_CHARACTERS + 1))).toHaveLength(MAX_SHOWN_CHARACTERS + 1);
  });
});

describe("a sentence of ours that quotes", () => {
  it("has no word in it that is too long to be read, and keeps all others", () => {
    const long = "x".repeat(2_000);
    const shown = message(`It said: ${long} and then more.`);
    expect(shown).toBe(`It said: ${"x".repeat(MAX_SHOWN_CHARACTERS)}… and then more.`);
  });

  it("ends somewhere", () => {
    const shown = message("word ".repeat(5_000));
    expect(shown.length).toBeLessThanOrEqual(4_001);
    expect(shown.endsWith("…")).toBe(true);
  });
});

describe("long text from outside", () => {
  it.each([
    ["a\n\tb", "a\n\tb"],
    ["a\r\nb", "a\nb"],
    ["\u001b[31mred\u001b[0m", "[31mred[0m"],
    ["a\u0000b\u0007c\u009bd", "abcd"],
    ["\u202eright\u2066to\u2069left\u200f", "righttoleft"],
    ["\ufefftext", "text"],
    ["a\u{E0020}\u{E007F}b", "ab"],
    // What joins letters and pictures belongs to the text.
    ["👩\u200d🎨", "👩\u200d🎨"],
    ["می\u200cخواهم", "می\u200cخواهم"],
  ])("%j stands there as %j", (given, shown) => {
    expect(cleanText(given)).toBe(shown);
  });
});

describe("sizes in messages", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1_000, "1,000 bytes"],
    [16_777_216, "16,777,216 bytes"],
  ])("%d are %j", (bytes, words) => {
    expect(byteCount(bytes)).toBe(words);
  });
});

describe("JSON for eyes", () => {
  it.each([
    [{ a: "x\u202ey" }, '{"a":"x\\u202ey"}'],
    ["\u0007", '"\\u0007"'],
    ["\u2028", '"\\u2028"'],
    ["\u{E0041}", '"\\udb40\\udc41"'],
    ["ü 日本 🎨", '"ü 日本 🎨"'],
  ])("hides nothing of %j", (value, shown) => {
    expect(visibleJson(value, 0)).toBe(shown);
  });

  it("means the same as the value", () => {
    const value = { list: [1, "a\u200bb", null], nested: { deep: "\ufeff" } };
    expect(JSON.parse(visibleJson(value))).toEqual(value);
    expect(visibleJson(value)).toContain("\n  ");
  });
});

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [-1234, "-1,234"],
    [-123, "-123"],
    [1234567.6, "1,234,568"],
    [Number.MAX_SAFE_INTEGER, "9,007,199,254,740,991"],
  ])("%d is read as %s", (value, text) => {
    expect(grouped(value)).toBe(text);
    expect(grouped(value)).toBe(Math.round(value).toLocaleString("en-US"));
  });
});
