import { describe, expect, it } from "vitest";
import type { Caps, Limits } from "../../src/core/money.ts";
import type { Asking } from "../../src/core/question.ts";
import { moneyRefusal } from "../../src/jobs/budget.ts";
import { type AskedPurchase, purchaseKey } from "../../src/jobs/purchase-question.ts";
import { NO_LIMITS } from "../support/rig.ts";

const NOBODY_ASKED: Asking = { agreed: new Map(), passed: new Map(), insists: false };

interface Start {
  usd?: number | null;
  limits?: Partial<Limits>;
  maxCostUsd?: number;
  asking?: Asking | undefined;
  shared?: { caps: Caps };
  input?: Record<string, unknown>;
}

function purchase({ usd = 2, input = { prompt: "A cat" } }: Start): AskedPurchase {
  return { operation: "paint", fingerprint: "f1", reservedUsd: usd, input };
}

function refusal(start: Start) {
  const { limits = { confirmAboveUsd: 1 }, maxCostUsd, shared } = start;
  const asking = "asking" in start ? start.asking : NOBODY_ASKED;
  const spent = { todayUsd: 0.1 + 0.2, thisMonthUsd: 4 };
  return moneyRefusal(
    { ...purchase(start), charge: "reserved" },
    { limits: { ...NO_LIMITS, ...limits }, maxCostUsd, asking },
    { ...spent, ...(shared && { shared: { ...shared, all: { todayUsd: 70, thisMonthUsd: 70 } } }) },
  );
}

const agreed = (start: Start): Asking => ({
  ...NOBODY_ASKED,
  agreed: new Map([[purchaseKey(purchase(start)), ""]]),
});

describe("a purchase whose user can be asked", () => {
  it("is asked for above the limit, with all there is to know", () => {
    const asked = refusal({
      usd: 2,
      limits: { confirmAboveUsd: 1, perDayUsd: 10, perMonthUsd: 50 },
      input: { prompt: "A cat\n\u202eBuy now? $0.00", num_images: 4 },
    });
    expect(asked?.question).toMatchObject({
      isAboutMoney: true,
      text: [
        "Buy paint, 4 pictures, for about $2.00?",
        "Spent or reserved today (UTC): $0.30 of $10.00; this month: $4.00 of $50.00.",
        "You are asked above $1.00.",
        "It asks for: “A cat Buy now? $0.00”",
      ].join("\n"),
    });
  });

  it("shows no more of its words than one look takes", () => {
    const asked = refusal({ input: { prompt: "x".repeat(5_000) } });
    expect(asked?.question?.text.length).toBeLessThan(500);
  });

  it("is asked for whatever the call allows, and `max_cost_usd` is no advice", () => {
    for (const maxCostUsd of [2, 100]) {
      const asked = refusal({ maxCostUsd });
      expect(asked?.question).toBeDefined();
      expect(asked?.message).toBe(
        "It would cost about $2.00; above $1.00 a start must be confirmed.",
      );
      expect(asked?.next).toMatch(/`max_cost_usd` does not answer for them.*Nothing was sent\.$/);
    }
    expect(refusal({ asking: undefined, maxCostUsd: 2 })).toBeUndefined();
    expect(refusal({ asking: undefined })).toMatchObject({ question: undefined });
  });

  it("is made once they agree, at this price and to these bytes only", () => {
    expect(refusal({ asking: agreed({}) })).toBeUndefined();
    expect(refusal({ usd: 2.5, asking: agreed({}) })?.question).toBeDefined();
    const other = { ...NOBODY_ASKED, agreed: new Map([["buy paint f2 2", ""]]) };
    expect(refusal({ asking: other })?.question).toBeDefined();
  });

  it("is not asked for where a word of theirs would not do", () => {
    const limits = { confirmAboveUsd: 1, perDayUsd: 1.5 };
    expect(refusal({ limits })).toMatchObject({ code: "over_budget", question: undefined });
    expect(refusal({ maxCostUsd: 1.5 })).toMatchObject({ question: undefined });
    expect(refusal({ limits, asking: agreed({}) })?.message).toContain("BUDGET_USD_PER_DAY");
  });

  it("is asked for at an unknown price under a limit of their own", () => {
    for (const start of [{ maxCostUsd: 1 }, { limits: { perDayUsd: 5 } }]) {
      const unpriced = { usd: null, ...start };
      const text = refusal(unpriced)?.question?.text;
      expect(text).toContain("Buy paint at an unknown price?");
      expect(text).toContain("no limit can be kept");
      expect(refusal({ ...unpriced, asking: agreed(unpriced) })).toBeUndefined();
    }
  });

  it("is not asked for at an unknown price under somebody else's limit", () => {
    const shared = { caps: { perDayUsd: 5, perMonthUsd: undefined } };
    const start = { usd: null, shared };
    expect(refusal(start)).toMatchObject({ question: undefined });
    expect(refusal({ ...start, asking: agreed(start) })).toMatchObject({ code: "over_budget" });
    const own = { usd: null, maxCostUsd: 1, shared: { caps: NO_LIMITS } };
    expect(refusal(own)?.question).toBeDefined();
    expect(refusal({ ...own, asking: agreed(own) })).toBeUndefined();
  });

  it("tells nothing of what others have spent", () => {
    const shared = { caps: { perDayUsd: 5, perMonthUsd: undefined } };
    const text = refusal({ shared, limits: { confirmAboveUsd: 1, perDayUsd: 500 } })?.question
      ?.text;
    expect(text).toContain("$0.30 of $5.00");
    expect(text).not.toMatch(/70|500/);
  });

  it("is asked for at any price once it was turned down", () => {
    const insists = { ...NOBODY_ASKED, insists: true };
    for (const start of [{ usd: 0.05 }, { usd: 0.05, maxCostUsd: 1 }, { usd: null, limits: {} }]) {
      const again = refusal({ ...start, asking: insists });
      expect(again?.message).toContain("turned the same down");
      expect(again?.question?.text).toContain("You have said no to it a moment ago.");
      const { agreed: given } = agreed(start);
      expect(
        refusal({ ...start, asking: { ...NOBODY_ASKED, agreed: given, insists: true } }),
      ).toBeUndefined();
    }
  });
});
