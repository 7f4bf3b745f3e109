import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slug } from "../../src/media/file-names.ts";
import { anyText } from "../support/any-text.ts";

describe("words in a file name", () => {
  it.each([
    ["A red fox, in the snow at dawn", "a-red-fox-in-the-snow"],
    ["Crème brûlée", "Crème-brûlée"],
    ["Cre\u0300me bru\u0302le\u0301e", "Crème-brûlée"],
    ["Zürich, Москва & İstanbul", "Zürich-Москва-İstanbul"],
    ["水墨画の龍、夜", "水墨画の龍-夜"],
    ["हिन्दी में बिल्ली", "हिन्दी-में-बिल्ली"],
    ["می‌خواهم", "میخواهم"],
    ["ＦＵＬＬ width", "ＦＵＬＬ-width"],
    ["../../etc/passwd", "etc-passwd"],
    ["CON", "con"],
    ["一只猫", "一只猫"],
    ["🦁 ❤️ 1️⃣", "1"],
    ["🦁", ""],
    ["\u3164\u115f\u0301", ""],
    ["猫".repeat(100), "猫".repeat(26)],
    [`${"x".repeat(79)}e\u0301z`, "x".repeat(79)],
    ["", ""],
    ["   ---   ", ""],
    ["a\u0000b\u202ec", "a-b-c"],
    [`${"x".repeat(100)} y`, "x".repeat(80)],
  ])("%j gives %j", (text, expected) => {
    expect(slug(text)).toBe(expected);
  });

  it("are a short, harmless, steady part of a name whatever the prompt is", () => {
    fc.assert(
      fc.property(anyText({ maxLength: 400 }), (text) => {
        const words = slug(text);
        expect(words).toMatch(/^(?:[\p{L}\p{M}\p{N}]+(?:-[\p{L}\p{M}\p{N}]+)*)?$/u);
        expect(words).not.toMatch(/\p{Default_Ignorable_Code_Point}/u);
        expect(Buffer.byteLength(words)).toBeLessThanOrEqual(80);
        expect(words.normalize("NFC")).toBe(words);
        expect(slug(words)).toBe(words);
      }),
      { numRuns: 500 },
    );
  });
});
