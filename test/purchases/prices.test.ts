import { describe, expect, it } from "vitest";
import { estimateUsd } from "../../src/purchases/prices.ts";

const PRICED = { name: "p", price: { usd: 0.13, per: "image" as const, source: "" } };
const UNPRICED = { name: "u", price: { usd: null, per: "image" as const, source: "" } };

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
