import type { Findings } from "./findings.ts";
import type { Node } from "./schema-nodes.ts";
import { shown } from "./shown.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;
/** Longer texts are no numbers that anyone writes. */
const MAX_NUMBER_CHARACTERS = 40;

const TRUE: readonly unknown[] = [true, 1, "true", "1", "yes", "on"];
const FALSE: readonly unknown[] = [false, 0, "false", "0", "no", "off"];

/** A number, or a text that is one. */
export function readNumber(
  value: unknown,
  node: Node,
  at: string,
  findings: Findings,
): number | undefined {
  const number = numberOf(value);
  const isWhole = node.type === "integer";
  if (number === undefined || (isWhole && Number.isFinite(number) && !Number.isInteger(number))) {
    findings.add(`${at} must be a ${isWhole ? "whole number" : "number"}, not ${shown(value)}.`);
    return undefined;
  }
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.MAX_VALUE } = node;
  if (number > maximum && node.clamps) {
    findings.notes.push(`${at} is at most ${maximum} here, so ${maximum} was taken.`);
    return maximum;
  }
  if (number >= minimum && number <= maximum) return number;
  const size = number < minimum ? "small" : "large";
  const why = size === "large" && node.tooLarge ? node.tooLarge : `${rangeOf(node)}.`;
  findings.add(`${at}: ${shown(value)} is too ${size}. ${why}`);
  return undefined;
}

function numberOf(value: unknown): number | undefined {
  // Adding zero makes of a negative zero the one that everybody means.
  if (typeof value === "number") return Number.isNaN(value) ? undefined : value + 0;
  if (typeof value !== "string") return undefined;
  const text = value.slice(0, MAX_NUMBER_CHARACTERS * 2).trim();
  if (text.length > MAX_NUMBER_CHARACTERS || value.trim() !== text) return undefined;
  return NUMBER.test(text) ? Number(text) + 0 : undefined;
}

/** What is allowed, in words. */
function rangeOf({ minimum, maximum }: Node): string {
  if (minimum === undefined) return `Allowed: at most ${maximum}`;
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
    ? `Allowed: at least ${minimum}`
    : minimum === maximum
      ? `Allowed: ${minimum}`
      : `Allowed: ${minimum} to ${maximum}`;
}

/** A switch, by the same words as in settings. */
export function readBoolean(value: unknown, at: string, findings: Findings): boolean | undefined {
  const word = typeof value === "string" && value.length <= 20 ? value.trim().toLowerCase() : value;
  if (TRUE.includes(word)) return true;
  if (FALSE.includes(word)) return false;
  findings.add(`${at} must be true or false, not ${shown(value)}.`);
  return undefined;
}
