import { describe, expect, it } from "vitest";
import { Gate } from "../../src/core/gate.ts";

/** Work that ends when it is told to. */
function job() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let isInside = false;
  const work = async () => {
    isInside = true;
    await ended;
  };
  return { work, end, isInside: () => isInside };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a gate", () => {
  it("never has more inside than its limit, and lets in by turns", async () => {
    const gate = new Gate(10);
    const jobs = [6, 6, 1, 3].map((weight) => ({ weight, ...job() }));
    const runs = jobs.map(({ weight, work }) => gate.run(weight, work));
    await settle();
    expect(jobs.map((one) => one.isInside())).toEqual([true, false, false, false]);
    jobs[0]?.end();
    await settle();
    expect(jobs.map((one) => one.isInside())).toEqual([true, true, true, true]);
    for (const { end } of jobs) end();
    await Promise.all(runs);
  });

  it("takes what is heavier than everything alone", async () => {
    const gate = new Gate(10);
    const [heavy, light] = [job(), job()];
    const runs = [gate.run(1_000, heavy.work), gate.run(1, light.work)];
    await settle();
    expect([heavy.isInside(), light.isInside()]).toEqual([true, false]);
    heavy.end();
    light.end();
    await Promise.all(runs);
    expect(light.isInside()).toBe(true);
  });

  it("is left by work that fails", async () => {
    const gate = new Gate(1);
    const failing = gate.run(1, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    await expect(gate.run(1, async () => "done")).resolves.toBe("done");
  });
});
