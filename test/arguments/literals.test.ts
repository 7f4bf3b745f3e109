import { describe, expect, it } from "vitest";
import { Findings } from "../../src/arguments/findings.ts";
import { readBoolean, readNumber } from "../../src/arguments/literals.ts";
import type { Node } from "../../src/arguments/schema-nodes.ts";

const WHOLE: Node = { type: "integer", minimum: 1, maximum: 8 };
const ANY: Node = { type: "number", minimum: -2, maximum: 2.5 };

function number(value: unknown, node: Node) {
  const findings = new Findings();
  const read = readNumber(value, node, "`n`", findings);
  let problem = "";
  try {
    findings.throwIfAny();
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  return { read, problem, notes: findings.notes };
}

describe("a number", () => {
  it.each([
    [3, 3],
    ["3", 3],
    [" 3 ", 3],
    ["3.0", 3],
    ["+3", 3],
    ["3e0", 3],
    ["0.3e1", 3],
    [1, 1],
    [8, 8],
  ])("that must be whole is read from %j", (value, read) => {
    expect(number(value, WHOLE)).toEqual({ read, problem: "", notes: [] });
  });

  it.each([
    ["1.5", 1.5],
    [".5", 0.5],
    ["-.5", -0.5],
    ["2.", 2],
    ["2.5", 2.5],
    [-2, -2],
    [-0, 0],
    ["-0", 0],
  ])("is read from %j", (value, read) => {
    const found = number(value, ANY);
    expect(found.read).toBe(read);
    expect(found.problem).toBe("");
  });

  it.each([
    ["three", '"three"'],
    ["", '""'],
    ["1,5", '"1,5"'],
    ["0x10", '"0x10"'],
    ["1e9999", '"1e9999"'],
    ["1_000", '"1_000"'],
    [true, "true"],
    [null, "null"],
    [Number.NaN, "NaN"],
    [[3], "a list (1 entries)"],
    [{}, "an object"],
    [`3${" ".repeat(100)}x`, ""],
    ["9".repeat(41), ""],
  ])("is not %j", (value, shown) => {
    const { read, problem } = number(value, WHOLE);
    expect(read).toBeUndefined();
    expect(problem).toContain("`n` must be a whole number, not");
    expect(problem).toContain(shown);
    expect(number(value, ANY).problem).toContain("must be a number, not");
  });

  it("that must be whole is not cut", () => {
    expect(number(1.5, WHOLE).problem).toBe("`n` must be a whole number, not 1.5.");
    expect(number("1.5", WHOLE).read).toBeUndefined();
  });

  it.each([
    [0, "small", WHOLE, "Allowed: 1 to 8."],
    [9, "large", WHOLE, "Allowed: 1 to 8."],
    [Number.POSITIVE_INFINITY, "large", WHOLE, "Allowed: 1 to 8."],
    [-1, "small", { type: "integer", minimum: 0 }, "Allowed: at least 0."],
    [
      -1,
      "small",
      { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      "Allowed: at least 0.",
    ],
    [11, "large", { type: "number", maximum: 10 }, "Allowed: at most 10."],
    [2, "large", { type: "integer", minimum: 1, maximum: 1 }, "Allowed: 1."],
    [9, "large", { ...WHOLE, tooLarge: "Eight are enough." }, "Eight are enough."],
    [0, "small", { ...WHOLE, tooLarge: "Eight are enough." }, "Allowed: 1 to 8."],
  ] as const)("%d is too %s, with what is allowed", (value, size, node, allowed) => {
    const { read, problem } = number(value, node);
    expect(read).toBeUndefined();
    expect(problem).toBe(`\`n\`: ${value} is too ${size}. ${allowed}`);
  });

  it("is taken as the largest there is where that is what was meant, and the answer says so", () => {
    const node: Node = { ...WHOLE, clamps: true };
    expect(number(100, node)).toEqual({
      ...{ read: 8, problem: "" },
      notes: ["`n` is at most 8 here, so 8 was taken."],
    });
    expect(number(0, node).problem).toContain("too small");
  });
});

describe("a switch", () => {
  const read = (value: unknown) => {
    const findings = new Findings();
    return { value: readBoolean(value, "`on`", findings), wrong: findings.count };
  };

  it.each([true, 1, "true", "TRUE", " yes ", "On", "1"])("is on by %j", (value) => {
    expect(read(value)).toEqual({ value: true, wrong: 0 });
  });

  it.each([false, 0, "false", "No", "OFF", "0 "])("is off by %j", (value) => {
    expect(read(value)).toEqual({ value: false, wrong: 0 });
  });

  it.each([2, -1, "", "y", "maybe", null, [], {}, [true], `yes${" ".repeat(30)}`])(
    "is neither by %j",
    (value) => {
      expect(read(value)).toEqual({ value: undefined, wrong: 1 });
    },
  );
});
