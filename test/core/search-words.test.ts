import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_LOOKED_THROUGH, queryWords, wordsIn } from "../../src/core/search-words.ts";
import { anyText } from "../support/any-text.ts";

/** What any store does with the two. */
function finds(query: string, text: string): boolean {
  const words = wordsIn(text);
  return queryWords(query).every(({ text: wanted, isBeginning }) =>
    words.some((word) => (isBeginning ? word.startsWith(wanted) : word === wanted)),
  );
}

describe("a query finds", () => {
  it.each([
    ["snow cabin", "A cabin in the snow"],
    ["CABIN", "a Cabin"],
    ["cab", "cabins"],
    ["qwen edit", "qwen_image_edit"],
    ["cafe grosser", "Mach das Café größer!"],
    ["GRÖSSER", "größer"],
    ["strasse", "STRAẞE"],
    ["istanbul", "İSTANBUL"],
    ["odegard lodz", "Ødegård, Łódź"],
    ["ca phe", "cà phê"],
    ["ΣΊΣΥΦΟΣ", "Σίσυφος"],
    ["елка", "Ёлка на крыше"],
    ["احمد", "أَحْمَد"],
    ["猫", "屋根の上の黒い猫"],
    ["屋根猫", "屋根の上の黒い猫"],
    ["猫 屋根", "屋根の上の黒い猫"],
    ["ネコ", "黒いﾈｺ"],
    ["ラーメン", "熱いラーメンの丼"],
    ["か", "いかが"],
    ["고양이", "고양이가 지붕에 있다"],
    ["แมว", "แมวบนหลังคา"],
    ["कुत्ता", "एक कुत्ता"],
    ["🦁", "a lion 🦁🏽 in the grass"],
    ["🇩🇪", "flags: 🇫🇷🇩🇪"],
    ["１０２４", "1024×768"],
    ["ﬁne", "a fine line"],
    ["l'été", "L’ÉTÉ"],
    ['cabin" OR *', "or: the cabin"],
    ["NEAR(cabin)", "near a cabin"],
    [`x${"y".repeat(1_000)}`, `x${"y".repeat(1_000)}`],
  ])("%j in %j", (query, text) => {
    expect(queryWords(query)).not.toEqual([]);
    expect(finds(query, text)).toBe(true);
  });
});

describe("a query does not find", () => {
  it.each([
    ["cabin boat", "A cabin in the snow"],
    ["bin", "cabin"],
    ["ca", "cabin"],
    ["102", "1024×768"],
    ["犬", "黒い猫"],
    ["コネ", "ネコ"],
    ["か", "が"],
    ["양고", "고양이"],
    ["วแม", "แมว"],
    ["किताब", "कुत्ता"],
  ])("%j in %j", (query, text) => {
    expect(finds(query, text)).toBe(false);
  });
});

describe("words", () => {
  it.each(["", " ", "\u0000", "\"*'()-^:+", "\ud800", "…、。「」", "\u202e\u200b"])(
    "are none in %j",
    (text) => {
      expect(queryWords(text)).toEqual([]);
      expect(wordsIn(text)).toEqual([]);
    },
  );

  it("are found in whatever they were taken from, and hold nothing but letters and digits", () => {
    const texts = anyText({ maxLength: 200 });
    fc.assert(
      fc.property(texts, (text) => {
        expect(finds(text, text)).toBe(true);
        for (const word of wordsIn(text)) {
          expect(word).toMatch(/^(?:[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}|\p{RI}{2})$/u);
        }
      }),
    );
  });

  it("are folded once and for all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 50 }), (text) => {
        const once = wordsIn(text);
        expect(wordsIn(once.join(" ")).sort()).toEqual(once.sort());
      }),
    );
  });

  it("are folded once and for all, whatever letter they have", () => {
    const unsteady: string[] = [];
    for (let code = 0; code <= 0x3_ff_ff; code++) {
      const letter = String.fromCodePoint(code);
      if (!/\p{L}/u.test(letter)) continue;
      const once = wordsIn(letter);
      if (wordsIn(once.join(" ")).join() !== once.join()) unsteady.push(letter);
    }
    expect(unsteady).toEqual([]);
  });

  it("are looked for in the beginning of a text only", () => {
    const text = `${"a ".repeat(MAX_LOOKED_THROUGH / 2 - 3)} near ${"b ".repeat(1_000_000)} far`;
    expect(wordsIn(text)).toContain("near");
    expect(wordsIn(text)).not.toContain("far");
  });
});
