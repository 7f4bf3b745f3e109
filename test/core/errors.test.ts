import { describe, expect, it } from "vitest";
import { AppError, ERROR_RULES, type ErrorCode, nextAfter } from "../../src/core/errors.ts";

const isCode = (name: string): name is ErrorCode => Object.hasOwn(ERROR_RULES, name);
const CODES = Object.keys(ERROR_RULES).filter(isCode);

describe("what to do next", () => {
  it.each(CODES)("after %s: nobody is invited to raise a limit", (code) => {
    expect(ERROR_RULES[code].next).not.toMatch(/\b(?:raise|increase)\b/i);
  });

  it.each(CODES)("after %s in the sandbox: nothing of consoles, accounts or charges", (code) => {
    const next = nextAfter(new AppError(code, "It failed."), true);
    expect(next).not.toMatch(/console|charge|top up|account|subscription/i);
    expect(next).not.toBe("");
  });

  it("is the provider's matter outside of it", () => {
    const error = new AppError("insufficient_credit", "It failed.", { next: "Top up." });
    expect(nextAfter(error, false)).toBe("Top up.");
    expect(nextAfter(error, true)).toBe("The sandbox imitates this failure; call again.");
  });
});
