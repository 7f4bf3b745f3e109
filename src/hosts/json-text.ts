import { isDeepStrictEqual } from "node:util";
import { type Node, type ParseError, parse, parseTree, printParseErrorCode } from "jsonc-parser";
import { AppError } from "../core/errors.ts";
import { isFields } from "../core/json-fields.ts";

import { type Layout, layoutOf } from "./json-layout.ts";

/*
 * Changes of one value in JSON that people and programs write: comments, order, indentation, line
 * ends and everything else stay as they are.
 */

type Path = readonly string[];

const OPTIONS = { allowTrailingComma: true, allowEmptyContent: true } as const;

/** What a text says. @throws {configuration} where it is no JSON object */
export function readJson(text: string): Record<string, unknown> {
  const errors: ParseError[] = [];
  const value: unknown = parse(withoutMark(text), errors, OPTIONS);
  const [first] = errors;
  if (first) {
    const before = text.slice(0, first.offset).split(/\r\n|\r|\n/);
    throw unusable(
      `is not JSON: ${printParseErrorCode(first.error)} in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`,
    );
  }
  if (value === undefined) return {};
  if (!isFields(value)) throw unusable("is no JSON object");
  return value;
}

/** What stands at a place in a text; undefined where nothing does. */
export function jsonAt(text: string, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    readJson(text),
  );
}

/** The text with a value at a place, and all above it that is missing. @throws {configuration} */
export function putJson(text: string, path: Path, value: unknown): string {
  const before = jsonAt(text, path);
  if (isDeepStrictEqual(before, value)) return text;
  // Part by part, so that what is said between the parts stays.
  if (isFields(before) && isFields(value)) {
    const gone = Object.keys(before).filter((key) => !Object.hasOwn(value, key));
    const cleared = gone.reduce((rest, key) => dropJson(rest, [...path, key]), text);
    return Object.entries(value).reduce(
      (rest, [key, one]) => putJson(rest, [...path, key], one),
      cleared,
    );
  }
  const changed = inBody(text, (body) => put(body, path, value));
  if (isDeepStrictEqual(jsonAt(changed, path), value)) return changed;
  throw unusable(`cannot be changed at ${path.join(".")}`);
}

/** The text without the value at a place. @throws {configuration} */
export function dropJson(text: string, path: Path): string {
  if (jsonAt(text, path) === undefined) return text;
  const changed = inBody(text, (body) => drop(body, path));
  if (jsonAt(changed, path) === undefined) return changed;
  // Written twice: the one that counted is gone.
  return dropJson(changed, path);
}

function put(body: string, path: Path, value: unknown): string {
  const root = parseTree(body, [], OPTIONS);
  const layout = layoutOf(body, root);
  if (!root) {
    const before = body.trimEnd();
    const made = layout.rendered(nested(path, value), "");
    return `${before}${before === "" ? "" : layout.eol}${made}${layout.eol}`;
  }
  let node = root;
  for (const [depth, key] of path.entries()) {
    if (node.type !== "object") {
      throw unusable(`has something other than an object at ${path.slice(0, depth).join(".")}`);
    }
    const property = propertyOf(node, key);
    const held = property?.children?.[1];
    const rest = path.slice(depth + 1);
    if (!held) return insert(body, node, key, nested(rest, value), layout);
    if (rest.length === 0 || held.type === "null") {
      const made = layout.rendered(nested(rest, value), layout.indentAt(property?.offset ?? 0));
      return spliced(body, held.offset, end(held), made);
    }
    node = held;
  }
  return body;
}

function insert(body: string, object: Node, key: string, value: unknown, layout: Layout): string {
  const close = end(object) - 1;
  const last = object.children?.at(-1);
  const name = JSON.stringify(key);
  const isOneLine = !/[\r\n]/.test(body.slice(object.offset, close));
  if (last && isOneLine) {
    const { comma, content } = gapAfter(body, end(last), close);
    const space = /^\S/.test(body.slice(object.offset + 1)) ? "" : " ";
    const colon = layout.isCompact ? ":" : ": ";
    const made = `${name}${colon}${layout.isCompact ? JSON.stringify(value) : layout.inline(value)}`;
    const between = comma === undefined ? `,${layout.isCompact ? "" : " "}` : space;
    return spliced(body, content, content, `${between}${made}`);
  }
  const inner = last ? layout.indentAt(last.offset) : layout.indentAt(object.offset) + layout.unit;
  const made = `${layout.eol}${inner}${name}: ${layout.rendered(value, inner)}`;
  if (!last) {
    const content = object.offset + 1 + body.slice(object.offset + 1, close).trimEnd().length;
    const tail = `${layout.eol}${layout.indentAt(object.offset)}`;
    return spliced(body, content, close, made + tail);
  }
  const { comma, content } = gapAfter(body, end(last), close);
  const added = spliced(body, content, content, comma === undefined ? made : `${made},`);
  return comma === undefined ? spliced(added, end(last), end(last), ",") : added;
}

function drop(body: string, path: Path): string {
  const root = parseTree(body, [], OPTIONS);
  const [key = "", ...above] = [...path].reverse();
  let object: Node | undefined = root;
  for (const one of above.reverse()) object = object && propertyOf(object, one)?.children?.[1];
  const property = object && propertyOf(object, key);
  if (!object || !property) return body;
  const siblings = object.children ?? [];
  const place = siblings.indexOf(property);
  const close = end(object) - 1;
  const next = siblings[place + 1];
  const { comma } = gapAfter(body, end(property), next?.offset ?? close);
  const before = body.slice(0, property.offset).trimEnd().length;
  const after = comma === undefined ? end(property) : comma + 1;
  const without = spliced(body, before, after, "");
  const previous = siblings[place - 1];
  if (previous && !next && comma === undefined) {
    const { comma: ofPrevious } = gapAfter(body, end(previous), property.offset);
    if (ofPrevious !== undefined) return spliced(without, ofPrevious, ofPrevious + 1, "");
  }
  // Braces with nothing but lines between them.
  const left = without.slice(object.offset + 1);
  const isEmpty = siblings.length === 1 && /^\s*\}/.test(left);
  return isEmpty ? without.slice(0, object.offset + 1) + left.trimStart() : without;
}

/** The property that counts where several have one name. */
function propertyOf(object: Node, key: string): Node | undefined {
  return object.children?.findLast((one) => one.children?.[0]?.value === key);
}

/** After a value, up to what follows: where its comma is, and where comments end. */
function gapAfter(body: string, from: number, to: number): { comma?: number; content: number } {
  const gap = body.slice(from, to);
  const bare = gap.replaceAll(/\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g, (comment) =>
    " ".repeat(comment.length),
  );
  const comma = bare.indexOf(",");
  const content = from + gap.trimEnd().length;
  return comma < 0 ? { content } : { comma: from + comma, content };
}

function nested(path: Path, value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function end({ offset, length }: Node): number {
  return offset + length;
}

function spliced(text: string, from: number, to: number, made: string): string {
  return text.slice(0, from) + made + text.slice(to);
}

const MARK = "\uFEFF";

function withoutMark(text: string): string {
  return text.startsWith(MARK) ? text.slice(1) : text;
}

function inBody(text: string, change: (body: string) => string): string {
  const body = withoutMark(text);
  return text.slice(0, text.length - body.length) + change(body);
}

function unusable(what: string): AppError {
  return new AppError("configuration", what, {
    next: "Repair it, or add the server by hand; nothing was changed.",
  });
}
