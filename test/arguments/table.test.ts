import { describe, expect, it } from "vitest";
import { INJECTED } from "../../src/arguments/argument-names.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Tool } from "../../src/tools/tool.ts";
import {
  ALL_TOOLS,
  argumentsOf,
  fewestOf,
  misspellings,
  rightForms,
  valueFor,
  wrongForms,
} from "../support/schemas.ts";

function refusal(tool: Tool, args: unknown): string {
  try {
    tool.read(args);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe("invalid_input");
    return error.message;
  }
  return expect.fail(`${tool.name} took ${JSON.stringify(args)?.slice(0, 300)}`);
}

const NAMES = new Set(ALL_TOOLS.flatMap((tool) => argumentsOf(tool).map(({ name }) => name)));

it("covers all tools", () => {
  expect(ALL_TOOLS.length).toBeGreaterThanOrEqual(19);
});

describe.each(ALL_TOOLS.map((tool) => [tool.name, tool] as const))("%s", (_, tool) => {
  const own = argumentsOf(tool);
  const fewest = fewestOf(tool);

  it("takes the fewest arguments, and each other beside them", () => {
    expect(tool.read(fewest)).toEqual({ values: fewest, notes: [] });
    for (const { name, argument } of own) {
      const args = { ...fewest, [name]: valueFor(argument) };
      expect(tool.read(args).values).toEqual(args);
    }
  });

  it.each(own.map((one) => [one.name, one] as const))("reads every form of %s", (name, one) => {
    for (const [given, meant] of rightForms(name, one.argument, one.isRequired)) {
      const { [name]: _before, ...others } = fewest;
      const values = meant === undefined ? others : { ...fewest, [name]: meant };
      expect(tool.read({ ...fewest, [name]: given }), JSON.stringify(given)).toEqual({
        values,
        notes: [],
      });
    }
  });

  it.each(own.map((one) => [one.name, one] as const))("refuses what %s cannot be", (name, one) => {
    for (const given of wrongForms(one.argument, one.isRequired)) {
      const message = refusal(tool, { ...fewest, [name]: given });
      expect(message).toContain(`\`${name}`);
      expect(message).not.toMatch(/expected|invalid input|too big/i);
      expect(message.length).toBeLessThan(1_500);
    }
  });

  it("names the right argument for another spelling of it", () => {
    for (const { name } of own) {
      for (const other of misspellings(name)) {
        if (own.some((one) => one.name === other)) continue;
        const { [name]: value = valueFor({}), ...others } = fewest;
        const message = refusal(tool, { ...others, [other]: value });
        expect(message, other).toContain(
          `\`${other}\` is no argument of \`${tool.name}\`: did you mean`,
        );
        if (!other.startsWith("_")) expect(message, other).toContain(`did you mean \`${name}\`?`);
      }
    }
  });

  it("refuses what other tools have", () => {
    for (const name of NAMES) {
      if (own.some((one) => one.name === name) || INJECTED.has(name)) continue;
      expect(refusal(tool, { ...fewest, [name]: "a" })).toContain(`\`${name}\` is no argument of`);
    }
  });

  it.each(["constructor", "toString", "hasOwnProperty", "valueOf", "foo", "ünknown", "水", " "])(
    "refuses %j, which nothing has",
    (name) => {
      expect(refusal(tool, { ...fewest, [name]: {} })).toContain("is no argument of");
    },
  );

  it("lets pass what hosts put beside the arguments, and what no name is meant by", () => {
    const injected = Object.fromEntries(
      [...INJECTED.keys(), "_meta", "_token", "x-trace", "X-Amzn-Host"].map((name) => [name, "a"]),
    );
    for (const { name } of own) delete injected[name];
    expect(tool.read({ ...injected, ...fewest }).values).toEqual(fewest);
    const polluted: unknown = JSON.parse('{"__proto__": {"force_new": true, "job_id": "x"}}');
    expect(tool.read({ ...Object(polluted), ...fewest }).values).toEqual(fewest);
  });
});
