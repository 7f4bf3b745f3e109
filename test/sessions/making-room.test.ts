import { describe, expect, it } from "vitest";
import { whoGoes } from "../../src/sessions/making-room.ts";

const NOW = 1_000;
const idle = (handle: string) => ({ handle, inUseUntil: NOW });
const used = (handle: string) => ({ handle, inUseUntil: NOW + 1 });

describe("which session makes room", () => {
  it("is none as long as there is room", () => {
    expect(whoGoes([], { most: 1, inUse: [] }, NOW)).toBe("none");
    expect(whoGoes([idle("a")], { most: 2, inUse: [] }, NOW)).toBe("none");
  });

  it("is the one that was used longest ago of those that are not in use", () => {
    const own = [used("a"), idle("b"), idle("c")];
    expect(whoGoes(own, { most: 3, inUse: [] }, NOW)).toMatchObject({ handle: "b" });
  });

  it("is none of those that its caller knows to be in use", () => {
    const own = [idle("a"), idle("b")];
    expect(whoGoes(own, { most: 2, inUse: ["a"] }, NOW)).toMatchObject({ handle: "b" });
  });

  it("is nobody where all are in use", () => {
    const own = [used("a"), idle("b")];
    expect(whoGoes(own, { most: 2, inUse: ["b"] }, NOW)).toBe("full");
  });
});
