import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { BucketHealth } from "../../src/media/bucket-health.ts";
import { FakeClock } from "../support/fake-clock.ts";

const FULL = new AppError("storage", "It is full.");

describe("what is known of a bucket", () => {
  it("is nothing at first, and for some seconds that it answers", async () => {
    const clock = new FakeClock();
    const health = new BucketHealth(clock);
    expect([health.isGood, health.refusal]).toEqual([false, undefined]);
    health.answered();
    await clock.advance(4_999);
    expect(health.isGood).toBe(true);
    await clock.advance(1);
    expect(health.isGood).toBe(false);
  });

  it("is asked for anew after any write that failed", () => {
    const health = new BucketHealth(new FakeClock());
    health.answered();
    health.failed(FULL, false);
    // One may fail by chance, and is tried again at once.
    expect([health.isGood, health.refusal]).toEqual([false, undefined]);
  });

  it("is that nobody relies on it for a while after a write that failed", async () => {
    const clock = new FakeClock();
    const health = new BucketHealth(clock);
    expect(health.isReliable).toBe(true);
    health.failed(FULL, false);
    health.written();
    expect(health.isReliable).toBe(false);
    await clock.advance(15_000);
    expect(health.isReliable).toBe(true);
    // Each time for longer, where many at once are one time, and never for more than an hour.
    for (const seconds of [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]) {
      health.broke(FULL);
      health.broke(FULL);
      await clock.advance(seconds * 1_000 - 1);
      expect(health.isReliable).toBe(false);
      await clock.advance(1);
      expect(health.isReliable).toBe(true);
    }
    expect(health.refusal).toBeUndefined();
    health.passed();
    health.broke(FULL);
    await clock.advance(30_000);
    expect(health.isReliable).toBe(true);
  });

  it("is that nothing is to be begun while writes fail again and again, though it answers", async () => {
    const clock = new FakeClock();
    const health = new BucketHealth(clock);
    health.failed(FULL, true);
    health.answered();
    expect(health.refusal).toBe(FULL);
    await clock.advance(10_000);
    health.failed(FULL, true);
    await clock.advance(14_999);
    expect(health.refusal).toBe(FULL);
    health.written();
    expect(health.refusal).toBeUndefined();
    // Nobody tries any more: then it is asked.
    health.failed(FULL, true);
    await clock.advance(15_000);
    expect(health.refusal).toBeUndefined();
  });
});
