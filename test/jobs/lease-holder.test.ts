import { describe, expect, it } from "vitest";
import { nameHolder, type ProcessFacts } from "../../src/jobs/lease-holder.ts";

const HERE = "host/boot-1/pid:[1]";

const named = (change: Partial<ProcessFacts> = {}) =>
  nameHolder({ place: HERE, pid: 7, startedAt: 1_000, lives: (pid) => pid === 8, ...change });

describe("the process that a lease names", () => {
  const { holder, isGone } = named();

  it.each<[string, Partial<ProcessFacts>, boolean]>([
    ["is not gone when it is this one", {}, false],
    ["is not gone while it lives", { pid: 8 }, false],
    ["is gone when nobody has its id", { pid: 9 }, true],
    ["is gone when it is this one that has its id now", { startedAt: 999 }, true],
  ])("%s", (_, change, expected) => {
    expect(isGone(named(change).holder)).toBe(expected);
  });

  it.each<[string, string | undefined]>([
    ["of another container on this machine", "host/boot-1/pid:[2]"],
    ["of this machine before it was started again", "host/boot-0/pid:[1]"],
    ["of another machine", "other/boot-1/pid:[1]"],
    ["of nobody knows where", undefined],
  ])("%s is judged by its beat alone, whatever its id", (_, place) => {
    for (const pid of [7, 8, 9]) {
      expect(isGone(named({ place, pid, startedAt: 999 }).holder)).toBe(false);
    }
  });

  it("cannot be told by one that does not know where it is itself", () => {
    const lost = named({ place: undefined });
    expect(lost.holder).not.toBe(named({ place: undefined }).holder);
    for (const other of [holder, named({ place: undefined, pid: 9 }).holder, "x", "/9/1"]) {
      expect(lost.isGone(other)).toBe(false);
    }
  });
});
