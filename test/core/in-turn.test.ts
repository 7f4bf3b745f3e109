import { describe, expect, it } from "vitest";
import { InTurn, InTurns } from "../../src/core/in-turn.ts";

/** Work whose turns end when they are told to. */
function slowWork() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const inTurn = new InTurn(
    () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
  );
  return { inTurn, ends };
}

describe("work in turn", () => {
  it("is begun at once, and never twice at a time: all who come meanwhile share the next", async () => {
    const { inTurn, ends } = slowWork();
    const first = inTurn.run();
    const [second, third] = [inTurn.run(), inTurn.run()];
    expect(second).toBe(third);
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await first;
    expect(ends).toHaveLength(2);
    // Whoever comes from here on may have seen what the second turn did not.
    const fourth = inTurn.run();
    expect(fourth).not.toBe(second);
    ends[1]?.resolve();
    await second;
    expect(ends).toHaveLength(3);
    ends[2]?.resolve();
    await fourth;
    void inTurn.run();
    expect(ends).toHaveLength(4);
  });

  it("fails for those whose turn it was, and goes on for the next", async () => {
    const { inTurn, ends } = slowWork();
    const first = inTurn.run();
    const second = inTurn.run();
    ends[0]?.reject(new Error("away"));
    await expect(first).rejects.toThrow("away");
    ends[1]?.resolve();
    await second;
  });
});

describe("work in turn on several things", () => {
  it("is shared for each of them, and none waits for another", async () => {
    const ends: [name: string, end: (found: string) => void][] = [];
    const inTurns = new InTurns(
      (name) => new Promise<string>((resolve) => ends.push([name, resolve])),
    );
    const end = (found: string) => ends.shift()?.[1](found);
    const names = () => ends.map(([name]) => name);
    const first = inTurns.run("a");
    const shared = [inTurns.run("a"), inTurns.run("a")];
    const other = inTurns.run("b");
    expect(names()).toEqual(["a", "b"]);
    end("one");
    expect(await first).toBe("one");
    end("two");
    expect(await other).toBe("two");
    expect(names()).toEqual(["a"]);
    end("three");
    expect(await Promise.all(shared)).toEqual(["three", "three"]);
    const again = inTurns.run("a");
    expect(names()).toEqual(["a"]);
    end("four");
    expect(await again).toBe("four");
  });
});
