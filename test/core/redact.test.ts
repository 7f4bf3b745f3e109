import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedact, isRedacted, redactValue } from "../../src/core/redact.ts";
import { disguises } from "../support/disguises.ts";

const KEYS = ["0f1E2d3C4b5A69788796a5b4c3d2e1f0", "ak_2Yx7-pQ0/zK9+mN4=bV6cX8", 'q"u/o&t<e>%41'];
const MASK = "[key removed]";

describe.each(KEYS)("a key like %s", (key) => {
  const redact = createRedact(["another-key-000", key]);

  it.each(disguises(key))("is found $name", ({ text, left }) => {
    const shown = redact(`before ${text} after`);
    expect(shown).toMatch(/^before .*\[key removed\].* after$/s);
    expect(shown.replace(MASK, "").length).toBeLessThanOrEqual("before  after".length + left);
  });

  it.each(disguises(key))("is found $name, in pieces of any length", ({ text }) => {
    for (let size = 1; size < 12; size++) {
      let [told, held] = ["", ""];
      for (let at = 0; at < text.length; at += size) {
        const piece = redact(held + text.slice(at, at + size));
        held = piece.slice(piece.length - redact.openEnd(piece, told));
        told += piece.slice(0, piece.length - held.length);
      }
      expect(redact(told + held)).toBe(told + held);
      expect(isRedacted(told + held)).toBe(true);
    }
  });
});

describe("what is no key", () => {
  it("stays as it is, whatever is escaped in it", () => {
    const redact = createRedact(KEYS);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom("%41", "\\u0041", "&amp;", "&#65;", "%25"))),
        (parts) => {
          expect(redact(parts.join(""))).toBe(parts.join(""));
        },
      ),
    );
  });

  it("keeps what stands around a key, and nothing is masked without one", () => {
    expect(createRedact(KEYS)(`a \n${KEYS[0]}\n b`)).toBe(`a \n${MASK}\n b`);
    expect(createRedact([undefined, "", "short"])("short")).toBe("short");
  });
});

describe("a parsed value", () => {
  it("is redacted in every string, names included, however deep", () => {
    const [key = ""] = KEYS;
    const redact = createRedact([key]);
    const value = JSON.parse(
      JSON.stringify({ a: [{ [key]: key }, 1, null, true] }).replaceAll(key[0] ?? "", "\\u0030"),
    );
    expect(redactValue(value, redact)).toEqual({ a: [{ [MASK]: MASK }, 1, null, true] });
  });

  it("may be nested as deep as JSON can be", () => {
    const deep = JSON.parse(`${"[".repeat(5_000)}"${KEYS[0]}"${"]".repeat(5_000)}`);
    expect(JSON.stringify(redactValue(deep, createRedact(KEYS)))).not.toContain(KEYS[0]);
  });
});
