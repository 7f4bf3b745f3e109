import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { lookAgain, progressOf, roughly, usualTimeOf } from "../../src/tools/usual-time.ts";

const MINUTE = 60_000;

describe("a time", () => {
  it.each([
    [400, "1 s"],
    [8_400, "8 s"],
    [19_400, "19 s"],
    [23_000, "25 s"],
    [89_000, "90 s"],
    [91_000, "2 min"],
    [4.2 * MINUTE, "4 min"],
    [89 * MINUTE, "89 min"],
    [150 * MINUTE, "3 h"],
  ])("of %i ms is %s", (ms, expected) => {
    expect(roughly(ms)).toBe(expected);
  });
});

describe("when to look again", () => {
  const training = { ms: 5 * MINUTE, isOwn: true };

  it.each([
    ["at the end of its usual time", MINUTE, training, "4 min", "5 min here"],
    ["by the printed time, if there is no other", 0, { ms: 20_000, isOwn: false }, "20 s", "20 s"],
    ["soon, when it is about to end", 5 * MINUTE - 2_000, training, "75 s", "5 min here"],
    ["in a quarter of its age, when it is overdue", 20 * MINUTE, training, "5 min", "5 min here"],
    [
      "in a quarter of an hour, however old it is",
      5_000 * MINUTE,
      training,
      "15 min",
      "5 min here",
    ],
    ["not at once, when it is short", 2_000, { ms: 3_000, isOwn: true }, "5 s", "3 s here"],
  ])("is %s", (_, ageMs, usual, again, takes) => {
    expect(lookAgain(ageMs, usual)).toBe(
      `look again in about ${again}. Such jobs usually take ${takes}.`,
    );
  });

  it("is told where nothing is known of such jobs", () => {
    expect(lookAgain(0, undefined)).toBe("look again in about 5 s.");
    expect(lookAgain(80_000, undefined)).toBe("look again in about 20 s.");
  });
});

describe("how long such jobs take", () => {
  const job = { owner: "local", operation: "z_image_turbo_generate" };
  const asked = (usualMs: () => Promise<number | undefined>, operation = job.operation) =>
    usualTimeOf({ jobs: { usualMs } }, { ...job, operation });

  it("is known from jobs of one's own, else as printed, else not", async () => {
    expect(await asked(async () => 1_234)).toEqual({ ms: 1_234, isOwn: true });
    expect(await asked(async () => undefined)).toEqual({ ms: 6_000, isOwn: false });
    expect(await asked(async () => undefined, "longcat_chat")).toBeUndefined();
  });

  it("is no reason to fail", async () => {
    const broken = () => Promise.reject(new AppError("storage", "The disk is gone."));
    expect(await asked(broken)).toEqual({ ms: 6_000, isOwn: false });
  });
});

describe("progress", () => {
  it("is in seconds, in step with the clock for most of the usual time", () => {
    const usual = { ms: 20_000, isOwn: true };
    expect(progressOf(0, usual)).toEqual({ progress: 0, total: 20 });
    expect(progressOf(10_000, usual)).toEqual({ progress: 10, total: 20 });
    expect(progressOf(-5_000, usual)).toEqual({ progress: 0, total: 20 });
  });

  it("grows as long as a job takes, and never arrives", () => {
    const ms = fc.integer({ min: 1, max: 7 * 24 * 60 * MINUTE });
    fc.assert(
      fc.property(ms, ms, ms, (usualMs, age, later) => {
        const usual = { ms: usualMs, isOwn: false };
        const [before, after] = [progressOf(age, usual), progressOf(age + later, usual)];
        expect(after.total).toBe(before.total);
        expect(after.progress).toBeGreaterThanOrEqual(before.progress);
        expect(after.progress).toBeLessThan(after.total);
      }),
    );
  });
});
