import { describe, expect, it } from "vitest";
import { Rounds } from "../../src/core/rounds.ts";
import { FakeClock } from "../support/fake-clock.ts";

function opened() {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  return { clock, errors, rounds: new Rounds(clock, (error) => errors.push(error)) };
}

describe("what is done again and again", () => {
  it("is done at once, and each at its own pace", async () => {
    const { clock, rounds } = opened();
    const done: string[] = [];
    await rounds.every(1_000, async () => void done.push("fast"));
    await rounds.every(3_000, async () => void done.push("slow"));
    expect(done).toEqual(["fast", "slow"]);
    for (let second = 0; second < 3; second++) await clock.advance(1_000);
    expect(done.filter((one) => one === "fast")).toHaveLength(4);
    expect(done.filter((one) => one === "slow")).toHaveLength(2);
  });

  it("comes again after it failed, which is told", async () => {
    const { clock, errors, rounds } = opened();
    let tries = 0;
    await rounds.every(1_000, async () => {
      tries++;
      if (tries < 3) throw new Error(`try ${tries}`);
    });
    await clock.advance(1_000);
    await clock.advance(1_000);
    expect(tries).toBe(3);
    expect(errors.map(String)).toEqual(["Error: try 1", "Error: try 2"]);
  });

  it("never runs beside itself, and waits from its end on", async () => {
    const { clock, rounds } = opened();
    let begun = 0;
    let goOn = () => {};
    const first = rounds.every(1_000, () => {
      begun++;
      return new Promise((resolve) => {
        goOn = resolve;
      });
    });
    await clock.advance(5_000);
    expect(begun).toBe(1);
    goOn();
    await first;
    await clock.advance(999);
    expect(begun).toBe(1);
    await clock.advance(1);
    expect(begun).toBe(2);
  });

  it("ends, also while a round is under way", async () => {
    const { clock, rounds } = opened();
    let begun = 0;
    let goOn = () => {};
    await rounds.every(1_000, async () => void begun++);
    const slow = rounds.every(1_000, () => {
      begun++;
      return new Promise((resolve) => {
        goOn = resolve;
      });
    });
    rounds.end();
    goOn();
    await slow;
    await clock.advance(10_000);
    expect(begun).toBe(2);
  });
});
