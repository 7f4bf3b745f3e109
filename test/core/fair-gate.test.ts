import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delay } from "../../src/core/clock.ts";
import { FairGate } from "../../src/core/fair-gate.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

/** A gate of which it is known what is inside, and in which order it came there. */
class Watched {
  readonly clock = new FakeClock();
  readonly came: string[] = [];
  readonly inside = new Map<string, number>();
  mostInside = 0;
  readonly #gate: FairGate;

  constructor(limit: number) {
    this.#gate = new FairGate(limit);
  }

  /** @returns how long it has waited for its turn, in milliseconds. */
  async work(owner: string, ms: number): Promise<number> {
    const asked = this.clock.elapsed();
    return this.#gate.run(owner, async () => {
      const waited = this.clock.elapsed() - asked;
      this.came.push(owner);
      this.#count(owner, 1);
      await delay(this.clock, ms);
      this.#count(owner, -1);
      return waited;
    });
  }

  many(owner: string, count: number, ms: number): Promise<number>[] {
    return Array.from({ length: count }, () => this.work(owner, ms));
  }

  get total(): number {
    return [...this.inside.values()].reduce((sum, one) => sum + one, 0);
  }

  #count(owner: string, by: number): void {
    this.inside.set(owner, (this.inside.get(owner) ?? 0) + by);
    this.mostInside = Math.max(this.mostInside, this.total);
  }
}

describe("a gate for several owners", () => {
  it("gives one owner alone eight ninths of it, in the order of what comes", async () => {
    const gate = new Watched(72);
    const greedy = gate.many("greedy", 1_000, 1_000);
    await settle();
    expect(gate.inside.get("greedy")).toBe(64);
    await gate.clock.advance(20_000);
    const waits = await Promise.all(greedy);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(gate.mostInside).toBe(64);
  });

  it("lets a modest owner in at once, however much of a greedy one is inside and waits", async () => {
    const gate = new Watched(72);
    const greedy = gate.many("greedy", 1_000, 600_000);
    for (let i = 0; i < 10; i++) {
      await gate.clock.advance(1_000);
      const modest = gate.work("modest", 500);
      await gate.clock.advance(500);
      expect(await modest).toBe(0);
    }
    await gate.clock.advance(20 * 600_000);
    await Promise.all(greedy);
  });

  it("shares alike among owners who all want more than there is", async () => {
    const gate = new Watched(72);
    const all = ["a", "b", "c"].flatMap((owner) => gate.many(owner, 200, 1_000));
    await gate.clock.advance(3_000);
    const shares = [...gate.inside.values()];
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    expect(gate.total).toBeGreaterThanOrEqual(60);
    await gate.clock.advance(60_000);
    await Promise.all(all);
  });

  it("lets owners with as much inside in by turns", async () => {
    const gate = new Watched(2);
    const first = gate.many("a", 4, 100);
    await gate.clock.advance(10);
    const others = [...gate.many("b", 4, 100), ...gate.many("c", 4, 100)];
    await gate.clock.advance(5_000);
    await Promise.all([...first, ...others]);
    for (const owner of ["a", "b", "c"]) {
      const turns = gate.came.flatMap((one, at) => (one === owner ? [at] : []));
      expect(turns).toHaveLength(4);
    }
    expect(gate.came.slice(1, 4).sort()).not.toEqual(["a", "a", "a"]);
  });

  it("is left by work that fails", async () => {
    const gate = new FairGate(1);
    await expect(gate.run("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(gate.run("a", async () => "done")).resolves.toBe("done");
  });

  it("lets in without a promise what tells when it is over, in turn with all else", async () => {
    const gate = new FairGate(1);
    const came: string[] = [];
    const enter = (name: string, isUrgent?: boolean) =>
      gate.enter("a", () => came.push(name), isUrgent);
    enter("first");
    expect(came).toEqual(["first"]);
    for (const name of ["second", "third"]) enter(name);
    enter("urgent", true);
    expect(came).toEqual(["first"]);
    const work = gate.run("a", async () => came.push("work"));
    for (let left = 0; left < 4; left++) gate.leave("a");
    await work;
    expect(came).toEqual(["first", "urgent", "second", "third", "work"]);
    gate.enter("b", () => came.push("b"));
    expect(came.at(-1)).toBe("b");
  });

  it("is left at once by what has nothing to do, however much of it there is", async () => {
    const gate = new FairGate(9);
    let came = 0;
    const blocked: (() => void)[] = [];
    for (let i = 0; i < 8; i++) void gate.run("a", () => new Promise<void>((r) => blocked.push(r)));
    await settle();
    for (let i = 0; i < 100_000; i++) {
      gate.enter("a", () => {
        came++;
        gate.leave("a");
      });
    }
    expect(came).toBe(0);
    blocked[0]?.();
    await settle();
    expect(came).toBe(100_000);
  });

  it("never holds more than its limit, and lets everything in at last", async () => {
    const work = fc.record({ owner: fc.constantFrom("a", "b", "c", "d"), ms: fc.nat(50) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(work, { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        async (works, limit) => {
          const gate = new Watched(limit);
          const all = works.map(({ owner, ms }) => gate.work(owner, ms));
          await gate.clock.advance(60 * 50 + 1);
          expect(await Promise.all(all)).toHaveLength(works.length);
          expect(gate.mostInside).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 30 },
    );
  });
});
