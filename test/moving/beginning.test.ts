import { describe, expect, it } from "vitest";
import { beginning } from "../../src/moving/beginning.ts";
import type { MoveSource, Standing } from "../../src/moving/move-ends.ts";

const EMPTY: Standing = { hadUsers: false, users: [], hasDigests: false, isInUse: false };
const BEN = { name: "ben", userId: "user_ben" };
const TEAM: Standing = { ...EMPTY, hadUsers: true, users: [BEN] };

function from(source: Partial<MoveSource> = {}): MoveSource {
  return {
    id: "a",
    secret: new Uint8Array(),
    count: () => 0,
    rows: () => [],
    highest: () => 0,
    owners: () => ["local"],
    users: () => [],
    answered: () => [],
    closedAt: () => undefined,
    protecting: (now) => ({ jobs: 0, untilMs: now }),
    needHosting: () => 0,
    close: () => {},
    ...source,
  };
}

const begin = (source: MoveSource, standing: Standing, owner?: string) =>
  beginning(source, standing, { localOwner: "local", owner, now: 1_000 });

describe("a move", () => {
  it("to an empty database leaves everything its owner's, and takes the secret along", () => {
    expect(begin(from(), EMPTY)).toEqual({ localOwner: "local", takesSecret: true });
  });

  it("gives one owner's jobs to the user that is named, there or here", () => {
    expect(begin(from(), TEAM, "ben").localOwner).toBe("user_ben");
    const here = from({ closedAt: () => 1, users: () => [{ name: "ann", userId: "user_ann" }] });
    expect(begin(here, EMPTY, "ann").localOwner).toBe("user_ann");
    expect(begin(here, EMPTY).localOwner).toBe("local");
  });

  it("wants to be told whose they become where there are users, and knows only those", () => {
    expect(() => begin(from(), TEAM)).toThrow(/--owner NAME, one of ben/);
    expect(() => begin(from(), TEAM, "bob")).toThrow(/no user "bob"; there are ben/);
    expect(() => begin(from(), EMPTY, "bob")).toThrow(/there are none.*users add/);
    expect(() => begin(from(), { ...TEAM, users: [] })).toThrow(/with --owner NAME\. Nothing/);
    // Nothing is there that would have to become somebody's.
    expect(begin(from({ owners: () => [] }), TEAM).localOwner).toBe("local");
  });

  it.each([TEAM, { ...EMPTY, hasDigests: true }])("makes no two services one", (standing) => {
    const here = from({ closedAt: () => 1 });
    expect(() => begin(here, standing, "ben")).toThrow(/two services are not made one/);
  });

  it("changes the secret of nobody who is at work", () => {
    expect(() => begin(from(), { ...EMPTY, isInUse: true })).toThrow(/end all replicas/);
    const others = { ...TEAM, hasDigests: true, isInUse: true };
    expect(begin(from(), others, "ben")).toEqual({ localOwner: "user_ben", takesSecret: false });
  });

  it("to where there are jobs waits until nothing here keeps from buying again", () => {
    const others = { ...EMPTY, hasDigests: true };
    const until = from({ protecting: () => ({ jobs: 2, untilMs: Date.UTC(2026, 10, 30) }) });
    expect(() => begin(until, others)).toThrow(/2 here .* wait until 2026-11-30T00:00:00/);
    const forEver = from({ protecting: () => ({ jobs: 1, untilMs: undefined }) });
    expect(() => begin(forEver, others)).toThrow(/jobs settle/);
    expect(begin(until, EMPTY).takesSecret).toBe(true);
  });
});
