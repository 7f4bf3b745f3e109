import { describe, expect, it } from "vitest";
import { randomToken } from "../../src/core/ids.ts";
import { SessionSeal } from "../../src/sessions/session-seal.ts";

describe("what is kept of a session", () => {
  it("is read by whoever knows its id, and by nobody else", () => {
    const id = randomToken();
    const value = { answer: "a link with a secret", list: [1, null, "ü"] };
    const sealed = new SessionSeal(id).seal(value);
    expect(new SessionSeal(id).open(sealed)).toEqual(value);
    expect(new SessionSeal(randomToken()).open(sealed)).toBeUndefined();
    expect(Buffer.from(sealed).toString("latin1")).not.toContain("secret");
  });

  it("is refused when a bit of it was changed, or it is something else", () => {
    const seal = new SessionSeal(randomToken());
    const sealed = Buffer.from(seal.seal("yes"));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open(changed)).toBeUndefined();
    }
    for (const length of [0, 5, 12, 27]) {
      expect(seal.open(sealed.subarray(0, length))).toBeUndefined();
    }
  });

  it("is another each time, and found by what does not tell the id", () => {
    const id = randomToken();
    const seal = new SessionSeal(id);
    expect(Buffer.from(seal.seal("yes")).equals(Buffer.from(seal.seal("yes")))).toBe(false);
    expect(seal.handle).toMatch(/^[0-9a-f]{64}$/);
    expect(seal.handle).not.toContain(id);
    expect(new SessionSeal(id).handle).toBe(seal.handle);
    expect(new SessionSeal(randomToken()).handle).not.toBe(seal.handle);
  });
});
