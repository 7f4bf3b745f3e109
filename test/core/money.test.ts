import fc from "fast-check";
import { expect, it } from "vitest";
import { exactUsd, formatUsd } from "../../src/core/money.ts";

it.each([
  [0, "$0.00"],
  [0.1, "$0.10"],
  [1, "$1.00"],
  [1234.5, "$1234.50"],
  [0.045, "$0.045"],
  [0.0000003, "$0.0000003"],
  [12.000001, "$12.000001"],
])("%d dollars are written as they are, with two decimals at least", (usd, text) => {
  expect(formatUsd(usd)).toBe(text);
});

it.each([
  [3 * 0.1, "$0.30"],
  [(0.1 / 4) * 3, "$0.075"],
  [1.1 - 1, "$0.10"],
])("what binary fractions add to %d is not written", (usd, text) => {
  expect(String(usd)).toMatch(/\d{12}/);
  expect(formatUsd(usd)).toBe(text);
});

it("sums of every size are written as the system would write them", () => {
  const system = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 20,
    useGrouping: false,
  });
  const digits = fc.integer({ min: 1, max: 999_999_999 });
  fc.assert(
    fc.property(digits, fc.integer({ min: -17, max: 3 }), (whole, power) => {
      const usd = Number(`${whole}e${power}`);
      expect(formatUsd(usd)).toBe(`$${system.format(usd)}`);
    }),
  );
});

it("a sum is exact to the millionth of a dollar, and nothing has no sign", () => {
  expect(exactUsd(0.1 + 0.2)).toBe(0.3);
  expect(Object.is(exactUsd(-0.0000001), 0)).toBe(true);
});
