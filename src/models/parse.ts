import type * as z from "zod";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { nearMiss } from "./near-miss.ts";

const MAX_QUOTED = 60;

/**
 * Validates arguments and says everything that is wrong with them at once: which argument, what it
 * was, what is allowed, and the likely intention behind a near miss.
 * @throws {invalid_input}
 */
export function parseArguments<S extends z.ZodObject>(
  schema: S,
  args: Readonly<Record<string, unknown>>,
): z.output<S> {
  const parsed = schema.safeParse(args, { reportInput: true });
  if (parsed.success) return parsed.data;
  const unknown = Object.keys(args).filter((name) => !Object.hasOwn(schema.shape, name));
  const problems = parsed.error.issues.map((issue) => describe(issue, unknown));
  throw new AppError("invalid_input", [...new Set(problems)].join(" "));
}

function describe(issue: z.core.$ZodIssue, unknown: readonly string[]): string {
  const name = `\`${issue.path.map(String).join(".")}\``;
  const value = issue.input;
  if (value === undefined && issue.path.length === 1 && issue.code !== "custom") {
    const meant = unknown.find((key) => nearMiss(key, [String(issue.path[0])]) !== undefined);
    const allowed = issue.code === "invalid_value" ? ` Allowed: ${list(issue.values)}.` : "";
    const hint = meant ? ` You gave \`${meant}\`: did you mean ${name}?` : "";
    return `${name} is required.${hint}${allowed}`;
  }
  switch (issue.code) {
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const likely = typeof value === "string" ? nearMiss(value, allowed) : undefined;
      const hint = likely ? ` Did you mean \`${likely}\`?` : "";
      return `${name}: ${quote(value)} is not allowed.${hint} Allowed: ${list(allowed)}.`;
    }
    case "too_small":
      return `${name}: ${quote(value)} is too small. ${sentence(issue.message)}`;
    case "too_big":
      return `${name}: ${quote(value)} is too large. ${sentence(issue.message)}`;
    case "invalid_type":
      return `${name} must be ${article(issue.expected)}, not ${quote(value)}.`;
    case "invalid_union":
      return `${name}: ${quote(value)} does not fit. ${sentence(issue.message)}`;
    default:
      return `${name}: ${sentence(issue.message)}`;
  }
}

function article(type: string): string {
  const name = type === "int" ? "integer" : type;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

function list(values: readonly unknown[]): string {
  return values.map((value) => `\`${String(value)}\``).join(", ");
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return oneLine(text, MAX_QUOTED);
}
