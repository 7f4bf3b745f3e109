import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCaps, leftUsd, periodStarts } from "../../src/jobs/budget.ts";
import { NO_LIMITS } from "../support/rig.ts";

const cents = fc.integer({ min: 0, max: 100_000 }).map((n) => n / 100);

describe("a cap", () => {
  it("is told by numbers that cannot read as equal", () => {
    const committed = { todayUsd: 0.1 + 0.2, thisMonthUsd: 0 };
    expect(() => checkCaps(0.13, committed, { ...NO_LIMITS, perDayUsd: 0.4299 })).toThrow(
      /about \$0\.13, and \$0\.30 of the \$0\.4299 of/,
    );
  });

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
