import { isFields } from "../core/json-fields.ts";
import { MAX_TEXT_BYTES } from "../models/limits.ts";
import { meantName } from "./argument-names.ts";
import { type ReferenceRules, readReferenceText, splitReferences } from "./file-reference.ts";
import type { Findings } from "./findings.ts";
import { readBoolean, readNumber } from "./literals.ts";
import type { Node } from "./schema-nodes.ts";
import { listed, shown, shownName } from "./shown.ts";
import { exactWord, refusedWord } from "./words.ts";

/** Nobody names more of anything in one call. */
const MAX_ENTRIES = 10_000;
/** Fields of an object that the provider does not describe. */
const MAX_FREE_FIELDS = 20;
const MAX_FREE_DEPTH = 3;
const MAX_FREE_CHARACTERS = 1_000;

/** What reading arguments needs to know beside them. */
export interface Reading extends ReferenceRules {
  findings: Findings;
}

/** All of an object's fields in their normal form; what is not given is absent. */
export function readFields(
  given: Readonly<Record<string, unknown>>,
  node: Node,
  reading: Reading,
  within = "",
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(node.properties ?? {})) {
    const raw = Object.hasOwn(given, name) ? given[name] : undefined;
    const at = `\`${within}${name}\``;
    if (!isAbsent(raw, field)) {
      const value = readValue(raw, field, at, reading);
      if (value !== undefined) values[name] = value;
    } else if (node.required?.includes(name)) {
      const allowed = field.enum ? ` Allowed: ${listed(field.enum)}.` : "";
      reading.findings.add(`${at} is required.${allowed}`);
    }
  }
  return values;
}

/** `null` says that there is none, and so does an empty text that is no value of its own. */
function isAbsent(value: unknown, node: Node): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "string" && node.keepsEmpty !== true && value.trim() === "";
}

/** @returns `undefined` for what cannot be read, which is noted as a finding. */
function readValue(value: unknown, node: Node, at: string, reading: Reading): unknown {
  if (node.anyOf) return readEither(value, node.anyOf, at, reading);
  if (node.enum) return readWord(value, node.enum, at, reading);
  switch (node.type) {
    case "string":
      return readText(value, node, at, reading);
    case "integer":
    case "number":
      return readNumber(value, node, at, reading.findings);
    case "boolean":
      return readBoolean(value, at, reading.findings);
    case "array":
      return readList(value, node, at, reading);
    default:
      return readObject(value, node, at, reading);
  }
}

/** Of several types, the one that the value has or is written as. */
function readEither(
  value: unknown,
  variants: readonly Node[],
  at: string,
  reading: Reading,
): unknown {
  const object = variants.find((one) => one.type === "object");
  const isObject = isFields(value) || (typeof value === "string" && isFields(fromJson(value, "{")));
  const type = isObject && object ? "object" : Array.isArray(value) ? "array" : typeof value;
  const fitting = variants.find((one) => one.type === type);
  if (fitting) return readValue(value, fitting, at, reading);
  const kinds = variants.map((one) => (one.type === "string" ? "a name" : `an ${one.type}`));
  reading.findings.add(`${at} must be ${kinds.join(" or ")}, not ${shown(value)}.`);
  return undefined;
}

function readWord(value: unknown, allowed: readonly string[], at: string, reading: Reading) {
  if (typeof value === "string") {
    const meant = allowed.includes(value) ? value : exactWord(value, allowed);
    if (meant !== undefined) return meant;
  }
  reading.findings.add(`${at}: ${refusedWord(value, allowed)}`);
  return undefined;
}

function readText(value: unknown, node: Node, at: string, reading: Reading): string | undefined {
  const { findings } = reading;
  if (typeof value !== "string") {
    findings.add(`${at} must be a text, not ${shown(value)}.`);
    return undefined;
  }
  const text = node.reference
    ? readReferenceText(value, node.reference, at, reading, findings)
    : (exactWord(value, node.known ?? []) ?? value);
  if (text === undefined) return undefined;
  const wrong = wrongLength(text, node);
  if (wrong === undefined) return text;
  findings.add(`${at} ${wrong}`);
  return undefined;
}

function wrongLength(text: string, node: Node): string | undefined {
  const { minLength = 0, maxLength = text.length } = node;
  if (text.length < minLength) return "must not be empty.";
  if (text.length > maxLength) {
    return `has ${text.length} characters; at most ${maxLength} are taken.`;
  }
  const maxBytes = node.maxBytes ?? (node.reference ? text.length * 3 : MAX_TEXT_BYTES);
  const bytes = text.length > maxBytes / 3 ? Buffer.byteLength(text) : 0;
  return bytes > maxBytes ? `has ${bytes} bytes; at most ${maxBytes} are taken.` : undefined;
}

function readList(value: unknown, node: Node, at: string, reading: Reading): unknown {
  const { findings } = reading;
  const { items = {}, minItems = 0, maxItems } = node;
  const entries = entriesOf(value, items);
  if (!entries) {
    findings.add(`${at} must be a list, not ${shown(value)}.`);
    return undefined;
  }
  const given =
    entries.length > MAX_ENTRIES ? entries : entries.filter((entry) => !isAbsent(entry, items));
  if (given.length < minItems || given.length > (maxItems ?? MAX_ENTRIES)) {
    const allowed =
      maxItems === undefined && given.length < minItems
        ? `at least ${minItems}`
        : `${minItems} to ${maxItems ?? MAX_ENTRIES}`;
    findings.add(`${at} has ${given.length} entries; ${allowed} are taken.`);
    return undefined;
  }
  const values: unknown[] = [];
  for (const [position, entry] of given.entries()) {
    if (findings.isFull) break;
    const where = given.length === 1 ? at : `${at} (entry ${position + 1})`;
    const read = readValue(entry, items, where, reading);
    if (read !== undefined) values.push(read);
  }
  return values;
}

/** A list as it is or as JSON text; anything else that could be an entry is a list of one. */
function entriesOf(value: unknown, items: Node): unknown[] | undefined {
  const given = typeof value === "string" ? (fromJson(value, "[") ?? value) : value;
  const entries = Array.isArray(given) ? given : typeof given === "string" ? [given] : undefined;
  // So many are refused for their number, whatever they are.
  if (entries && entries.length > MAX_ENTRIES) return entries;
  return entries?.flatMap((entry) =>
    typeof entry === "string" ? splitReferences(entry, items.reference) : [entry],
  );
}

function readObject(value: unknown, node: Node, at: string, reading: Reading): unknown {
  const { findings } = reading;
  const given = typeof value === "string" ? fromJson(value, "{") : value;
  if (!isFields(given)) {
    findings.add(`${at} must be an object, not ${shown(value)}.`);
    return undefined;
  }
  const own = Object.keys(node.properties ?? {});
  const before = findings.count;
  const free = Object.entries(given).filter(([name]) => !own.includes(name));
  if (free.length > MAX_FREE_FIELDS || !free.every(([, field]) => isSmall(field))) {
    findings.add(`${at} takes ${listed(own)}, and other fields only if they are small.`);
    return undefined;
  }
  for (const [name] of free) {
    const meant = meantName(name, own);
    if (meant) findings.add(`${shownName(name)} is no field of ${at}: did you mean \`${meant}\`?`);
  }
  const values = readFields(given, node, reading, `${at.slice(1, -1)}.`);
  return findings.count === before ? { ...Object.fromEntries(free), ...values } : undefined;
}

/** Whether a value is nothing to speak of, however it is looked at later. */
function isSmall(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return value.length <= MAX_FREE_CHARACTERS;
  if (typeof value !== "object" || value === null) return true;
  const fields = Object.values(value);
  const isFlat = depth < MAX_FREE_DEPTH && fields.length <= MAX_FREE_FIELDS;
  return isFlat && fields.every((field) => isSmall(field, depth + 1));
}

/** What a text holds as JSON, if it begins like it. */
function fromJson(text: string, start: "[" | "{"): unknown {
  if (!text.trimStart().startsWith(start)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
