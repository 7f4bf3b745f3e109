import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Limits } from "../../src/core/money.ts";
import {
  leftUsd,
  moneyRefusal,
  objectionsTo,
  periodStarts,
  refusalFor,
} from "../../src/jobs/budget.ts";
import { NO_LIMITS } from "../support/rig.ts";

const cents = fc.integer({ min: 0, max: 100_000 }).map((n) => n / 100);
const NOTHING = { todayUsd: 0, thisMonthUsd: 0 };

/** A start that would cost so much, under limits. */
function start(
  estimateUsd: number | null,
  limits: Partial<Limits>,
  { maxCostUsd, used = NOTHING }: { maxCostUsd?: number | undefined; used?: typeof NOTHING } = {},
) {
  const wanted = { operation: "paint", estimateUsd, maxCostUsd };
  const all = { ...NO_LIMITS, ...limits };
  const job = { operation: "paint", charge: "reserved", reservedUsd: estimateUsd } as const;
  return {
    run: () => {
      const refusal = moneyRefusal(job, { limits: all, maxCostUsd }, used);
      if (refusal) throw refusal;
    },
    kinds: objectionsTo(wanted, used, all).map(({ kind }) => kind),
    refusal: refusalFor(wanted, objectionsTo(wanted, used, all)),
  };
}

describe("a cap", () => {
  it("is told by numbers that cannot read as equal", () => {
    const used = { todayUsd: 0.1 + 0.2, thisMonthUsd: 0 };
    expect(start(0.13, { perDayUsd: 0.4299 }, { used }).run).toThrow(
      /about \$0\.13, and \$0\.30 of the \$0\.4299 of/,
    );
  });

  it("admits exactly up to itself, whatever was committed before", () => {
    fc.assert(
      fc.property(cents, cents, cents, (estimate, used, cap) => {
        const { run } = start(
          estimate,
          { perDayUsd: cap },
          { used: { todayUsd: used, thisMonthUsd: 0 } },
        );
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

describe("a start on its own", () => {
  it("is free without limits, even at an unknown price", () => {
    expect(start(null, {}).run).not.toThrow();
    expect(start(1e6, {}).run).not.toThrow();
  });

  it("is refused with numbers that cannot read as equal", () => {
    const allowing = (maxCostUsd: number) => start(0.13, {}, { maxCostUsd }).run;
    expect(allowing(0.125)).toThrow(/\$0\.13, more than .*\(\$0\.125\)/);
    expect(allowing(0.1299)).toThrow("($0.1299)");
    expect(allowing(1e-7)).toThrow("($0.0000001)");
    expect(start(0.13, { confirmAboveUsd: 0.12999 }).run).toThrow("above $0.12999 ");
  });

  it("is refused exactly above what the call allows, which counts as a confirmation", () => {
    fc.assert(
      fc.property(cents, cents, (estimate, maxCostUsd) => {
        const { run } = start(estimate, { confirmAboveUsd: 0 }, { maxCostUsd });
        if (estimate > maxCostUsd) expect(run).toThrow("max_cost_usd");
        else expect(run).not.toThrow();
      }),
    );
  });
});

describe("an unknown price", () => {
  it.each<[string, number | undefined, Partial<Limits>]>([
    ["max_cost_usd", 5, {}],
    ["a cap of the day", undefined, { perDayUsd: 5 }],
    ["a cap of the month", undefined, { perMonthUsd: 5 }],
  ])("is refused under %s, and only the user can do something", (_name, maxCostUsd, limits) => {
    const { refusal } = start(null, limits, { maxCostUsd });
    expect(refusal).toMatchObject({ code: "over_budget" });
    expect(refusal?.next).toMatch(/^Only the user can .*LONGCAT_MCP_PRICES.*"paint"/);
    expect(refusal?.next.includes("Without `max_cost_usd`")).toBe(maxCostUsd !== undefined);
  });

  it("is not dear, as far as anybody knows", () => {
    expect(start(null, { confirmAboveUsd: 0 }).run).not.toThrow();
  });

  it("is refused for all limits at once", () => {
    const { refusal } = start(null, { perDayUsd: 5, perMonthUsd: 50 }, { maxCostUsd: 1 });
    for (const name of ["`max_cost_usd`", "USD_PER_DAY", "USD_PER_MONTH"]) {
      expect(refusal?.message).toContain(name);
    }
  });
});

describe("one refusal", () => {
  it("names every reason, and one more call is right after what it advises", () => {
    fc.assert(
      fc.property(
        cents,
        fc.record({ perDayUsd: cents, perMonthUsd: cents, confirmAboveUsd: cents }),
        fc.record({ todayUsd: cents, thisMonthUsd: cents }),
        fc.option(cents, { nil: undefined }),
        (estimate, limits, used, maxCostUsd) => {
          const { refusal, kinds } = start(estimate, limits, { used, maxCostUsd });
          const said = refusal?.message ?? "";
          expect(said.includes("max_cost_usd")).toBe(kinds.includes("call"));
          expect(said.includes("must be confirmed")).toBe(kinds.includes("confirm"));
          const caps = said.match(/LONGCAT_MCP_BUDGET_USD_PER_(?:DAY|MONTH)/g) ?? [];
          expect(caps).toHaveLength(kinds.filter((kind) => kind === "cap").length);
          if (!refusal) return;
          const allowed = /`max_cost_usd: ([\d.]+)`/.exec(refusal.next)?.[1];
          const mustAllow = kinds.some((kind) => kind !== "cap");
          expect(allowed !== undefined).toBe(mustAllow);
          // With the argument that it names and within the user's caps, nothing is left to refuse.
          const again = start(
            estimate,
            { confirmAboveUsd: limits.confirmAboveUsd },
            { maxCostUsd: allowed === undefined ? maxCostUsd : Number(allowed) },
          );
          expect(again.run).not.toThrow();
        },
      ),
    );
  });

  it("advises on what stands in the way alone", () => {
    const confirm = start(1.3, { confirmAboveUsd: 1 }).refusal;
    expect(confirm?.next).toBe(
      "Ask the user. If they agree, call again with `max_cost_usd: 1.3`; nothing was sent.",
    );
    const own = start(1.3, {}, { maxCostUsd: 1 }).refusal;
    expect(own?.next).toBe(
      "Ask the user whether it may cost that much (`max_cost_usd: 1.3`), or ask for fewer pictures or another model; nothing was sent.",
    );
  });

  it("advises on the budget and on the confirmation in one sentence after the other", () => {
    const used = { todayUsd: 0.26, thisMonthUsd: 0.26 };
    const { refusal } = start(
      1.3,
      { confirmAboveUsd: 1, perDayUsd: 0.3, perMonthUsd: 1 },
      { used },
    );
    expect(refusal?.message).toBe(
      "It would cost about $1.30; above $1.00 a start must be confirmed, and $0.26 of the $0.30 of LONGCAT_MCP_BUDGET_USD_PER_DAY are spent or reserved, and $0.26 of the $1.00 of LONGCAT_MCP_BUDGET_USD_PER_MONTH are spent or reserved.",
    );
    expect(refusal?.next).toMatch(/whose limit it is.*`max_cost_usd: 1\.3`\. Nothing was sent\.$/);
  });
});

it("days and months are those of UTC", () => {
  const { day, month } = periodStarts(Date.parse("2026-03-01T00:30:00+02:00"));
  expect(new Date(day).toISOString()).toBe("2026-02-28T00:00:00.000Z");
  expect(new Date(month).toISOString()).toBe("2026-02-01T00:00:00.000Z");
});
