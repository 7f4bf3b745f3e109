import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { GroupedWrites } from "../../../src/storage/sqlite/grouped-writes.ts";

/** A database of a few words: a commit keeps all of its own or none. */
function rig() {
  const kept: string[][] = [];
  const disk = { isFull: false, isLost: false };
  let open: string[] = [];
  const writes = new GroupedWrites((work, takeBack) => {
    open = [];
    work();
    if (disk.isFull) throw new AppError("storage", "The disk is full.");
    kept.push(open);
    if (!disk.isLost) return;
    takeBack();
    throw new AppError("storage", "The database is gone.");
  });
  const takenBack: string[] = [];
  const write = (word: string) =>
    writes.run(
      () => {
        if (word.startsWith("no")) throw new AppError("over_budget", word);
        open.push(word);
        return word.toUpperCase();
      },
      (result) => takenBack.push(result),
    );
  return { writes, write, kept, disk, takenBack };
}

const outcomes = async (all: readonly Promise<string>[]) =>
  (await Promise.allSettled(all)).map((one) =>
    one.status === "fulfilled" ? one.value : String(one.reason.message),
  );

describe("a write that is alone", () => {
  it("is made at once", async () => {
    const { write, kept } = rig();
    const written = write("one");
    expect(kept).toEqual([["one"]]);
    expect(await written).toBe("ONE");
    await turn();
    void write("two");
    expect(kept).toEqual([["one"], ["two"]]);
  });

  it("that is refused says why", async () => {
    const { write, kept } = rig();
    await expect(write("no money")).rejects.toMatchObject({ code: "over_budget" });
    expect(kept).toEqual([]);
  });
});

describe("several writes of a turn", () => {
  it("are made with each other, the first of many before", async () => {
    const { write, kept } = rig();
    expect(await outcomes(["a", "b", "c"].map(write))).toEqual(["A", "B", "C"]);
    expect(kept).toEqual([["a"], ["b", "c"]]);
  });

  it("wait for each other as long as several come, and then no more", async () => {
    const { write, kept } = rig();
    await Promise.all(["a", "b", "c"].map(write));
    await Promise.all(["d", "e"].map(write));
    await write("f");
    await turn();
    void write("g");
    expect(kept).toEqual([["a"], ["b", "c"], ["d", "e"], ["f"], ["g"]]);
  });

  it("come each to its own end where one of them is refused", async () => {
    const { write, kept, takenBack } = rig();
    const all = ["a", "b", "no money", "c", "no room"].map(write);
    expect(await outcomes(all)).toEqual(["A", "B", "no money", "C", "no room"]);
    expect(kept).toEqual([["a"], ["b"], ["c"]]);
    expect(takenBack).toEqual([]);
  });

  it("fail together where none can be written", async () => {
    const { write, kept, disk } = rig();
    await Promise.all(["a", "b"].map(write));
    disk.isFull = true;
    const full = "The disk is full.";
    expect(await outcomes(["c", "d", "e"].map(write))).toEqual([full, full, full]);
    disk.isFull = false;
    expect(await outcomes(["c", "d"].map(write))).toEqual(["C", "D"]);
    expect(kept.flat()).toEqual(["a", "b", "c", "d"]);
  });

  it("are taken back together, each by what it came to", async () => {
    const { write, disk, takenBack } = rig();
    disk.isLost = true;
    const gone = "The database is gone.";
    expect(await outcomes(["a", "b", "c"].map(write))).toEqual([gone, gone, gone]);
    expect(takenBack).toEqual(["A", "B", "C"]);
  });

  it("are some at a time, in the order in which they came", async () => {
    const { write, kept } = rig();
    const words = Array.from({ length: 200 }, (_, n) => `w${n}`);
    await Promise.all(words.map(write));
    expect(kept.flat()).toEqual(words);
    expect(Math.max(...kept.map(({ length }) => length))).toBeLessThan(words.length / 2);
    expect(kept.length).toBeLessThan(words.length / 10);
  });
});

it("what waits is written before an end", async () => {
  const { writes, write, kept } = rig();
  const all = Array.from({ length: 150 }, (_, n) => write(`w${n}`));
  writes.flush();
  expect(kept.flat()).toHaveLength(150);
  await Promise.all(all);
  await turn();
  expect(kept.flat()).toHaveLength(150);
});
