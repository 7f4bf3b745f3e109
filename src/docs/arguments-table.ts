import * as z from "zod";
import { code, codes, table } from "./markdown.ts";

const argumentSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  items: z.looseObject({ type: z.string().optional() }).optional(),
  anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
});
type Argument = z.output<typeof argumentSchema>;

const inputSchema = z.looseObject({
  properties: z.record(z.string(), argumentSchema).optional(),
  required: z.array(z.string()).optional(),
});

/** The table of a tool's arguments, from its advertised JSON Schema. */
export function argumentsTable(advertised: Record<string, unknown>): string {
  const { properties = {}, required = [] } = inputSchema.parse(advertised);
  return table(
    ["Argument", "Type", "Limits", "Meaning"],
    Object.entries(properties).map(([name, argument]) => [
      code(name) + (required.includes(name) ? " (required)" : ""),
      typeOf(argument),
      limitsOf(argument),
      argument.description,
    ]),
  );
}

function typeOf(argument: Argument): string {
  if (argument.anyOf) return argument.anyOf.map(({ type }) => type ?? "any").join(" or ");
  if (argument.type === "array") return `list of ${argument.items?.type ?? "any"}`;
  return argument.type ?? "any";
}

function limitsOf(argument: Argument): string {
  if (argument.enum) return codes(argument.enum);
  return [
    range(argument.minimum, argument.maximum, ""),
    range(argument.minItems, argument.maxItems, " entries"),
  ]
    .filter((text) => text !== "")
    .join("; ");
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  // The largest safe integer stands for "no limit is documented".
  const top = max === Number.MAX_SAFE_INTEGER ? undefined : max;
  const bottom = min === Number.MIN_SAFE_INTEGER ? undefined : min;
  if (bottom !== undefined && top !== undefined) return `${bottom} to ${top}${unit}`;
  if (bottom !== undefined) return `at least ${bottom}${unit}`;
  return top === undefined ? "" : `at most ${top}${unit}`;
}
