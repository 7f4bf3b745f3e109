import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextPollMs, type PollHistory } from "../../src/purchases/pace.ts";
import { operation } from "../support/operations.ts";

const picture = operation("longcat_image_generate");
const training = operation("qwen_image_edit_plus_train");
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const MIDDLE = 0.5;

const history = (change: Partial<PollHistory> = {}): PollHistory => ({
  ageMs: 0,
  polls: 0,
  faults: 0,
  retryAfterMs: undefined,
  isTold: false,
  ...change,
});
const pause = (change: Partial<PollHistory>, one = picture) =>
  nextPollMs(one, history(change), MIDDLE, 1);

describe("when to look next", () => {
  it("first at the operation's own pace", () => {
    expect(pause({})).toBe(picture.pace.firstPollMs);
    expect(pause({}, training)).toBe(training.pace.firstPollMs);
  });

  it("then after 5 s, growing to 10 s and no further", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 50].map((polls) => pause({ polls }));
    expect(pauses[0]).toBe(5 * SECOND);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBe(10 * SECOND);
  });

  it("once a minute after the first look, where a webhook will tell of the end", () => {
    expect(pause({ isTold: true })).toBe(picture.pace.firstPollMs);
    expect(pause({ isTold: true, polls: 1 })).toBe(60 * SECOND);
    expect(pause({ isTold: true, polls: 50 })).toBe(60 * SECOND);
  });

  it("soon after a look that failed, for nobody will tell of the same end twice", () => {
    expect(pause({ isTold: true, polls: 1, faults: 1 })).toBe(10 * SECOND);
    expect(pause({ isTold: true, polls: 1, faults: 2 })).toBe(20 * SECOND);
  });

  it("once a minute for a picture that is an hour old, for a training that is a day old", () => {
    expect(pause({ polls: 300, ageMs: HOUR - 1 })).toBe(10 * SECOND);
    expect(pause({ polls: 300, ageMs: HOUR + 1 })).toBe(60 * SECOND);
    expect(pause({ polls: 300, ageMs: HOUR + 1 }, training)).toBe(10 * SECOND);
    expect(pause({ polls: 300, ageMs: 24 * HOUR + 1 }, training)).toBe(60 * SECOND);
  });

  it("later while looks fail, up to a minute, and as before once one succeeds", () => {
    const pauses = [0, 1, 2, 3, 10].map((faults) => pause({ polls: 1, faults }));
    expect(pauses).toEqual([5, 10, 20, 40, 60].map((seconds) => seconds * SECOND));
  });

  it("not before the provider wants it", () => {
    expect(pause({ polls: 1, retryAfterMs: 30 * SECOND })).toBe(30 * SECOND);
    expect(pause({ polls: 1, retryAfterMs: SECOND })).toBe(5 * SECOND);
  });

  it("for an operation that this version does not know", () => {
    expect(nextPollMs(undefined, history(), MIDDLE, 1)).toBe(5 * SECOND);
  });

  const anything = fc.record({
    ageMs: fc.integer({ min: 0, max: 1e9 }),
    polls: fc.nat(10_000),
    faults: fc.nat(1_000),
    retryAfterMs: fc.option(fc.nat(3_600_000), { nil: undefined }),
    isTold: fc.boolean(),
  });
  const random = fc.double({ min: 0, max: 1, noNaN: true });
  const scale = fc.constantFrom(1, 0.125, 0.001);

  it("never more often than every 2 s, times the scale of a loopback base", () => {
    fc.assert(
      fc.property(anything, random, scale, (past, chance, factor) => {
        const ms = nextPollMs(picture, past, chance, factor);
        expect(ms).toBeGreaterThanOrEqual(2_000 * factor);
        expect(ms).toBeGreaterThanOrEqual(past.retryAfterMs ?? 0);
        expect(ms).toBeLessThanOrEqual(Math.max(66_000 * factor, past.retryAfterMs ?? 0));
      }),
    );
  });

  it("within a tenth of the plan, in proportion to the scale", () => {
    fc.assert(
      fc.property(anything, random, scale, (past, chance, factor) => {
        const plan = nextPollMs(
          picture,
          { ...past, retryAfterMs: undefined, isTold: false },
          MIDDLE,
          1,
        );
        const ms = nextPollMs(
          picture,
          { ...past, retryAfterMs: undefined, isTold: false },
          chance,
          factor,
        );
        expect(ms / factor).toBeGreaterThanOrEqual(plan * 0.9 - 1e-6);
        expect(ms / factor).toBeLessThanOrEqual(plan * 1.1 + 1e-6);
      }),
    );
    expect(nextPollMs(picture, history({ polls: 1 }), 0, 1)).toBe(4_500);
    expect(nextPollMs(picture, history({ polls: 1 }), 1, 1)).toBe(5_500);
  });
});
