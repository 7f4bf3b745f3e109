import { describe, expect, it } from "vitest";
import { storedJson, storedText } from "../../../src/storage/postgres/database.ts";

const NUL = "\u0000";
const HALF = "\ud83d";
const MARK = "\u{fffd}";

describe("a text that the database gets", () => {
  it.each([
    ["plain", "plain"],
    ["", ""],
    ["Ärger, 北京, 🐋", "Ärger, 北京, 🐋"],
    [`a${NUL}b`, `a${MARK}b`],
    [`a${HALF}b`, `a${MARK}b`],
    [`${HALF}${NUL}`, `${MARK}${MARK}`],
    ["line\nline\ttab", "line\nline\ttab"],
    ["'; DROP TABLE jobs; --", "'; DROP TABLE jobs; --"],
  ])("%j is kept as %j", (given, kept) => {
    expect(storedText(given)).toBe(kept);
  });
});

describe("JSON that the database gets", () => {
  it("has no character in it that the database does not know, however deep", () => {
    const given = { a: [`x${NUL}`, { b: `${HALF}y`, c: 1, d: null, e: true }] };
    expect(JSON.parse(storedJson(given))).toEqual({
      a: [`x${MARK}`, { b: `${MARK}y`, c: 1, d: null, e: true }],
    });
    expect(storedJson(given)).not.toMatch(/\\u0000|\\ud83d/i);
  });

  it("is what it was where there are none", () => {
    const given = { prompt: 'A "quoted" 🐋\\n', list: [], none: {} };
    expect(JSON.parse(storedJson(given))).toEqual(given);
  });
});
