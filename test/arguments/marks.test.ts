import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withoutMarks } from "../../src/arguments/marks.ts";

describe("a reference without the marks around it", () => {
  it.each([
    ["a.png", "a.png"],
    ["  a.png\n", "a.png"],
    ['"a.png"', "a.png"],
    ["'a.png'", "a.png"],
    ["`a.png`", "a.png"],
    ["<https://a.example/x>", "https://a.example/x"],
    ["“a.png”", "a.png"],
    ["„a.png“", "a.png"],
    ["»a.png«", "a.png"],
    ["«a.png»", "a.png"],
    ["「a.png」", "a.png"],
    ["《a.png》", "a.png"],
    ["@a.png", "a.png"],
    ["@/home/me/a.png", "/home/me/a.png"],
    ["`'a.png'`", "a.png"],
    ['"@a.png"', "a.png"],
    ["[a picture](a.png)", "a.png"],
    ["![a picture](a.png)", "a.png"],
    ['![a picture](a.png "Its title")', "a.png"],
    ["[a](<a b.png>)", "a b.png"],
    ["\u200ba.png\ufeff", "a.png"],
    ["", ""],
    ['""', ""],
  ])("%j is %j", (given, bare) => {
    expect(withoutMarks(given)).toBe(bare);
  });

  it.each([
    "'a.png",
    'a.png"',
    "\"a.png'",
    "a 'b' c.png",
    "./'a'.png",
    "@(a|b).png",
    "@",
    "@@a",
    "a@b.png",
    "[a](b",
    "[a] (b)",
    "(a.png)",
    "x".repeat(10),
  ])("%j stays as it is", (given) => {
    expect(withoutMarks(given)).toBe(given);
  });

  it("is found below a few layers, and no further", () => {
    const wrapped = (layers: number) => `${"'".repeat(layers)}a.png${"'".repeat(layers)}`;
    expect(withoutMarks(wrapped(6))).toBe("a.png");
    expect(withoutMarks(wrapped(9))).toBe(wrapped(3));
  });

  it("is no link where that would be longer than any", () => {
    const long = `[a](${"b".repeat(20_000)})`;
    expect(withoutMarks(long)).toBe(long);
  });

  it("takes nothing from a text without marks at its ends", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w./:-]{1,60}$/), (text) => {
        expect(withoutMarks(text)).toBe(text);
        expect(withoutMarks(`"${text}"`)).toBe(text);
      }),
    );
  });
});
