import * as z from "zod";
import { INJECTED } from "../../src/arguments/argument-names.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import type { Tool } from "../../src/tools/tool.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "./tool-deps.ts";

const argumentSchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
  items: z.looseObject({ type: z.string().optional() }).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const toolSchema = z.looseObject({
  properties: z.record(z.string(), argumentSchema),
  required: z.array(z.string()).default([]),
});
export type Argument = z.output<typeof argumentSchema>;

export const ALL_TOOLS: readonly Tool[] = createTools(idleToolDeps());

/** Texts of which an empty one is a value. */
export const KEEPS_EMPTY = ["prompt", "system", "negative_prompt", "default_caption"];
const ADDRESS = "https://example.com/a.png";

/** Words that the list of tools has already, and that their argument does not list again. */
const TOOL_NAMES: Partial<Record<string, string[]>> = {
  operation: OPERATIONS.map((operation) => operation.name),
};

/** A tool's arguments as it advertises them. */
export function argumentsOf(tool: Pick<Tool, "inputSchema">): {
  name: string;
  argument: Argument;
  isRequired: boolean;
}[] {
  const { properties, required } = toolSchema.parse(tool.inputSchema);
  return Object.entries(properties).map(([name, argument]) => ({
    name,
    argument: name in TOOL_NAMES ? { ...argument, enum: TOOL_NAMES[name] } : argument,
    isRequired: required.includes(name),
  }));
}

/** A value that an argument takes. */
export function valueFor({ type, enum: words, anyOf, minimum, maximum }: Argument): unknown {
  if (words) return words[0];
  if (anyOf) return "square_hd";
  switch (type) {
    case "integer":
      return Math.min(Math.max(minimum ?? 0, 1), maximum ?? 1);
    case "number":
      return Math.max(minimum ?? 0, 1);
    case "boolean":
      return true;
    case "array":
      return [ADDRESS];
    default:
      return ADDRESS;
  }
}

/** The fewest arguments that a tool takes. */
export function fewestOf(tool: Pick<Tool, "inputSchema">): Record<string, unknown> {
  const required = argumentsOf(tool).filter(({ isRequired }) => isRequired);
  return Object.fromEntries(required.map(({ name, argument }) => [name, valueFor(argument)]));
}

/** Forms of an argument that mean a value, and that value; `undefined` where it counts as absent. */
export function rightForms(
  name: string,
  argument: Argument,
  isRequired: boolean,
): [unknown, unknown][] {
  const { type, enum: words, anyOf, maximum = 1 } = argument;
  const forms: [unknown, unknown][] = [];
  if (!isRequired) {
    forms.push([null, undefined], ["", KEEPS_EMPTY.includes(name) ? "" : undefined]);
  }
  if (words) {
    const word = words[0] ?? "";
    const written = word.toUpperCase();
    forms.push([written, word], [` ${word.replaceAll("_", " ")} `, word]);
    forms.push([word.replaceAll("_", "-"), word]);
  } else if (anyOf) {
    const object = { width: 1024, height: 768 };
    forms.push([JSON.stringify(object), object], [{ width: "1024", height: "768.0" }, object]);
    forms.push(["Square HD", "square_hd"], ["some_other_name", "some_other_name"]);
  } else if (type === "integer") {
    const most = Math.min(maximum, 3);
    const value = Math.max(argument.minimum ?? 0, most);
    forms.push([String(value), value], [` ${value} `, value], [`${value}.0`, value]);
  } else if (type === "number") {
    forms.push(["1", 1], [" 1.0 ", 1], ["1e0", 1]);
  } else if (type === "boolean") {
    forms.push(["false", false], ["true", true], [" False ", false], [0, false], [1, true]);
    forms.push(["no", false], ["yes", true]);
  } else if (type === "array") {
    forms.push([JSON.stringify([ADDRESS]), [ADDRESS]], [ADDRESS, [ADDRESS]]);
    forms.push([[ADDRESS, null, ""], [ADDRESS]]);
  }
  return forms;
}

/** Forms of an argument that cannot be what is meant. */
export function wrongForms(
  { type, enum: words, anyOf, minimum }: Argument,
  isRequired: boolean,
): unknown[] {
  const forms: unknown[] = isRequired ? [null, ""] : [];
  if (words) return [...forms, "zzzzzzzz", 7, ["a"], "x".repeat(10_000)];
  if (anyOf) return [...forms, 1024, [1024, 768], { width: "abc" }, '{"width":0}'];
  switch (type) {
    case "integer":
      return [
        ...forms,
        "abc",
        1.5,
        true,
        [1],
        {},
        "1,000",
        ...(minimum === undefined ? [] : [minimum - 1]),
      ];
    case "number":
      return [...forms, "abc", true, [1], {}, "0x10", "Infinity"];
    case "boolean":
      return [...forms, "abc", 2, [], {}];
    case "array":
      return [...forms, 7, {}, [[]], [7]];
    default:
      return [...forms, 7, true, ["a"], {}];
  }
}

/** Other spellings of a name. */
export function misspellings(name: string): string[] {
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return [
    camel,
    name.toUpperCase(),
    name.replaceAll("_", "-"),
    name.replaceAll("_", " "),
    name.endsWith("s") ? name.slice(0, -1) : `${name}s`,
    `_${name}`,
    `x-${name}`,
    `X-${camel}`,
  ].filter((other) => other !== name && !INJECTED.has(other));
}
