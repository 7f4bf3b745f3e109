import { canParseUrl } from "../../core/can-parse-url.ts";
import { isFields } from "../../core/json-fields.ts";
import { shortened } from "../../core/text.ts";

/** What one JSON value may be. Whatever a rule does not mention is accepted. */
export type Rule =
  | { type: "string"; oneOf?: readonly string[]; url?: "http" | "http or data" }
  | { type: "integer" | "number"; min?: number; max?: number }
  | { type: "boolean" }
  | { type: "array"; of: Rule; min?: number; max?: number; holding?: readonly string[] }
  | { type: "object"; required?: Fields; optional?: Fields }
  | { type: "either"; of: readonly Rule[] };

export type Fields = Readonly<Record<string, Rule>>;

/** One sentence on what is wrong with `value`, naming the field and what is allowed. */
export function objectionTo(rule: Rule, value: unknown, name: string): string | undefined {
  switch (rule.type) {
    case "string":
      return objectionToText(rule, value, name);
    case "integer":
    case "number":
      return objectionToNumber(rule, value, name);
    case "boolean":
      return typeof value === "boolean" ? undefined : refuse(name, "true or false", value);
    case "array":
      return objectionToList(rule, value, name);
    case "object":
      return objectionToObject(rule, value, name);
    case "either":
      return rule.of.some((one) => objectionTo(one, value, name) === undefined)
        ? undefined
        : refuse(name, rule.of.map(describe).join(" or "), value);
  }
}

function objectionToText(rule: Rule & { type: "string" }, value: unknown, name: string) {
  if (typeof value !== "string") return refuse(name, describe(rule), value);
  if (rule.oneOf && !rule.oneOf.includes(value)) return refuse(name, describe(rule), value);
  if (rule.url && !isUrl(value, rule.url === "http or data"))
    return refuse(name, describe(rule), value);
  return undefined;
}

function objectionToNumber(
  rule: Rule & { type: "integer" | "number" },
  value: unknown,
  name: string,
) {
  const fits =
    typeof value === "number" &&
    (rule.type === "number" || Number.isInteger(value)) &&
    value >= (rule.min ?? Number.NEGATIVE_INFINITY) &&
    value <= (rule.max ?? Number.POSITIVE_INFINITY);
  return fits ? undefined : refuse(name, describe(rule), value);
}

function objectionToList(rule: Rule & { type: "array" }, value: unknown, name: string) {
  const fits =
    Array.isArray(value) &&
    value.length >= (rule.min ?? 0) &&
    value.length <= (rule.max ?? Number.POSITIVE_INFINITY);
  if (!fits) return refuse(name, describe(rule), value);
  for (const [index, item] of value.entries()) {
    const objection = objectionTo(rule.of, item, `${name}[${index}]`);
    if (objection) return objection;
  }
  for (const field of rule.holding ?? []) {
    if (!value.some((item) => isFields(item) && item[field] !== undefined))
      return `"${name}[].${field}" is required.`;
  }
  return undefined;
}

function objectionToObject(rule: Rule & { type: "object" }, value: unknown, name: string) {
  if (!isFields(value)) return refuse(name || "the body", "a JSON object", value);
  const path = (field: string) => (name ? `${name}.${field}` : field);
  for (const [field, fieldRule] of Object.entries(rule.required ?? {})) {
    if (value[field] === undefined) return `"${path(field)}" is required: ${describe(fieldRule)}.`;
  }
  for (const [field, fieldRule] of Object.entries({ ...rule.required, ...rule.optional })) {
    if (value[field] === undefined) continue;
    const objection = objectionTo(fieldRule, value[field], path(field));
    if (objection) return objection;
  }
  return undefined;
}

function describe(rule: Rule): string {
  switch (rule.type) {
    case "string":
      if (rule.oneOf) return `one of ${rule.oneOf.join(", ")}`;
      if (rule.url === "http") return "a public http or https URL";
      if (rule.url) return "a public http or https URL, or data:{MIME_type};base64,{base64_data}";
      return "a string";
    case "integer":
      return `a whole number${range(rule)}`;
    case "number":
      return `a number${range(rule)}`;
    case "boolean":
      return "true or false";
    case "array":
      return `an array${range(rule, " items")}`;
    case "object":
      return "an object";
    case "either":
      return rule.of.map(describe).join(" or ");
  }
}

function range({ min, max }: { min?: number; max?: number }, unit = ""): string {
  if (min !== undefined && max !== undefined)
    return min === max ? ` equal to ${min}${unit}` : ` from ${min} to ${max}${unit}`;
  if (min !== undefined) return ` of at least ${min}${unit}`;
  return max === undefined ? "" : ` of at most ${max}${unit}`;
}

function refuse(name: string, allowed: string, value: unknown): string {
  const shown = JSON.stringify(value) ?? "nothing";
  return `"${name}" must be ${allowed}; got ${shortened(shown, 80)}.`;
}

function isUrl(text: string, dataAllowed: boolean): boolean {
  if (dataAllowed && /^data:[^,]*,/i.test(text)) return true;
  return /^https?:\/\//i.test(text) && canParseUrl(text);
}
