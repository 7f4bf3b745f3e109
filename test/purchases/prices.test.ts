import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Limits } from "../../src/core/money.ts";
import { checkPrice, estimateUsd } from "../../src/purchases/prices.ts";
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

  it("is refused with numbers that cannot read as equal", () => {
    expect(check(0.13, 0.125, {})).toThrow(/\$0\.13, more than .*\(\$0\.125\)/);
    expect(check(0.13, 0.1299, {})).toThrow("($0.1299)");
    expect(check(0.13, 1e-7, {})).toThrow("($0.0000001)");
    expect(check(0.13, undefined, { confirmAboveUsd: 0.12999 })).toThrow("above $0.12999 ");
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
