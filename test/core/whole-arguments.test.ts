import { describe, expect, it } from "vitest";
import * as z from "zod";
import { countValues, givenArguments, withWholeArguments } from "../../src/core/whole-arguments.ts";

const call = (args: unknown) => ({
  ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
  params: { name: "spending", arguments: args, _meta: { progressToken: 1 } },
});

/** What the library hands on as the arguments of a message. */
function handedOn(message: unknown): unknown {
  return z.looseObject({ params: z.looseObject({ arguments: z.unknown() }) }).parse(message).params
    .arguments;
}

describe("the arguments of a call", () => {
  it("are one value on their way, and what was given at its end", () => {
    const args = { a: 1, b: { c: [1, 2, 3] } };
    const read = withWholeArguments(call(args));
    expect(handedOn(read)).not.toEqual(args);
    expect(givenArguments(handedOn(read))).toBe(args);
    expect(read).toMatchObject({
      id: 1,
      params: { name: "spending", _meta: { progressToken: 1 } },
    });
  });

  it.each([[undefined], [null], [5], ["text"], [[1, 2]]])(
    "pass as they are where they are %j",
    (args) => {
      expect(withWholeArguments(call(args))).toEqual(call(args));
      expect(givenArguments(args)).toBe(args);
    },
  );

  it.each([
    [null],
    [[call({ a: 1 })]],
    ["tools/call"],
    [{ jsonrpc: "2.0", method: "tools/list", params: { arguments: { a: 1 } } }],
    [{ jsonrpc: "2.0", method: "tools/call" }],
    [{ jsonrpc: "2.0", method: "tools/call", params: 5 }],
  ])("are not looked for in %j", (message) => {
    expect(withWholeArguments(message)).toBe(message);
  });

  it("cannot be made up by a client: what looks like them is an argument like others", () => {
    const forged = { whole: { value: { a: 1 } } };
    expect(givenArguments(forged)).toBe(forged);
    expect(givenArguments(handedOn(withWholeArguments(call(forged))))).toBe(forged);
  });
});

describe("how many values a message has", () => {
  it.each([
    [5, 0],
    [null, 0],
    [{}, 0],
    [{ a: 1, b: { c: 2 } }, 3],
    [[[1], [2, 3]], 5],
  ])("%j: %d", (message, count) => {
    expect(countValues(message, 100)).toBe(count);
  });

  it("leaves the arguments of a call out, however many", () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, at]));
    expect(countValues(call(many), 100)).toBeGreaterThan(50);
    expect(countValues(withWholeArguments(call(many)), 100)).toBeLessThan(12);
  });

  it("ends counting where there are enough, and never says fewer then", () => {
    const list = Array.from({ length: 1_000 }, () => ({ a: [1, 2] }));
    for (const enough of [1, 10, 999, 1_000, 3_000]) {
      expect(countValues(list, enough)).toBeGreaterThanOrEqual(enough);
    }
    expect(countValues(list, 100_000)).toBe(1_000 + 1_000 + 2_000);
  });
});
