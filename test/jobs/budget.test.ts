import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Limits } from "../../src/core/money.ts";
import {
  checkCaps,
  checkPrice,
  estimateUsd,
  leftUsd,
  periodStarts,
} from "../../src/jobs/budget.ts";
import { NO_LIMITS } from "../support/rig.ts";

const PRICED = { name: "p", price: { usd: 0.13, per: "image" as const, source: "" } };
const UNPRICED = { name: "u", price: { usd: null, per: "image" as const, source: "" } };
const cents = fc.integer({ min: 0, max: 100_000 }).map((n) => n / 100);

describe("an estimate", () => {
  it("is the price times the pictures, without binary noise", () => {
    expect(estimateUsd(PRICED, 3, {})).toBe(0.39);
  });

  it("is unknown where no price is, and never zero", () => {
    expect(estimateUsd(UNPRICED, 2, {})).toBeNull();
    expect(estimateUsd(UNPRICED, 2, { u: 0.05 })).toBe(0.1);
    expect(estimateUsd(PRICED, 1, { p: 0.2 })).toBe(0.2);
  });
});

describe("a start on its own", () => {
  const check = (estimate: number | null, max: number | undefined, limits: Partial<Limits>) => () =>
    checkPrice(PRICED, estimate, max, { ...NO_LIMITS, ...limits });

  it("is free without limits, even at an unknown price", () => {
    expect(check(null, undefined, {})).not.toThrow();
    expect(check(1e6, undefined, {})).not.toThrow();
  });

  it.each<[string, number | undefined, Partial<Limits>]>([
    ["max_cost_usd", 5, {}],
    ["a cap of the day", undefined, { perDayUsd: 5 }],
    ["a cap of the month", undefined, { perMonthUsd: 5 }],
    ["a threshold", undefined, { confirmAboveUsd: 5 }],
  ])("at an unknown price is refused under %s", (_name, max, limits) => {
    expect(check(null, max, limits)).toThrow(expect.objectContaining({ code: "over_budget" }));
  });

  it("is refused exactly above what the call allows", () => {
    fc.assert(
      fc.property(cents, cents, (estimate, max) => {
        const run = check(estimate, max, { confirmAboveUsd: 0 });
        if (estimate > max) expect(run).toThrow("max_cost_usd");
        else expect(run).not.toThrow();
      }),
    );
  });
});

describe("a cap", () => {
  it("admits exactly up to itself, whatever was committed before", () => {
    fc.assert(
      fc.property(cents, cents, cents, (estimate, used, cap) => {
        const committed = { todayUsd: used, thisMonthUsd: 0 };
        const run = () => checkCaps(estimate, committed, { ...NO_LIMITS, perDayUsd: cap });
        if (Math.round(used * 100) + Math.round(estimate * 100) > Math.round(cap * 100)) {
          expect(run).toThrow(expect.objectContaining({ code: "over_budget" }));
        } else {
          expect(run).not.toThrow();
        }
      }),
    );
  });

  it("never has less than nothing left", () => {
    expect(leftUsd(1, 3)).toBe(0);
    expect(leftUsd(0.3, 0.1)).toBe(0.2);
    expect(leftUsd(undefined, 3)).toBeNull();
  });
});

it("days and months are those of UTC", () => {
  const { day, month } = periodStarts(Date.parse("2026-03-01T00:30:00+02:00"));
  expect(new Date(day).toISOString()).toBe("2026-02-28T00:00:00.000Z");
  expect(new Date(month).toISOString()).toBe("2026-02-01T00:00:00.000Z");
});
