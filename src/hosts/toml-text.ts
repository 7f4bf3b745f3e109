import { isDeepStrictEqual } from "node:util";
import { parse, stringify, TomlError } from "smol-toml";
import { AppError } from "../core/errors.ts";
import { isFields } from "../core/json-fields.ts";

import { type TomlLine, tomlLines } from "./toml-lines.ts";

/*
 * Changes of one table in TOML: everything around it stays as it is, its comments too. What comes
 * out is read again, and must say what was wanted and otherwise what it said before.
 */

type Path = readonly string[];

/** What a text says. @throws {configuration} where it is no TOML */
export function readToml(text: string): Record<string, unknown> {
  try {
    return parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const where =
      error instanceof TomlError ? ` in line ${error.line}, column ${error.column}` : "";
    throw unusable(`is not TOML${where}`);
  }
}

/** What stands at a place in a text; undefined where nothing does. */
export function tomlAt(text: string, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    readToml(text),
  );
}

/** The text with a table at a place. @throws {configuration} where it is written in another form */
export function putToml(text: string, path: Path, value: Record<string, unknown>): string {
  const before = tomlAt(text, path);
  if (isDeepStrictEqual(plain(before), value)) return text;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const made = stringify(nested(path, value))
    .trim()
    .split("\n")
    // An empty line above a table's own table is nobody's.
    .filter((line, at, all) => line !== "" || (at > 0 && all[at - 1] !== ""));
  // Tables above that hold nothing of their own need no line.
  const lines = made.slice(made.indexOf(headerOf(path)));
  const isThere = before !== undefined;
  const changed = isThere
    ? replaced(text, path, lines.join(eol), eol)
    : appended(text, lines.join(eol), eol);
  return verified(text, changed, path, value);
}

/** The text without the table at a place. @throws {configuration} */
export function dropToml(text: string, path: Path): string {
  if (tomlAt(text, path) === undefined) return text;
  return verified(text, replaced(text, path, undefined, ""), path, undefined);
}

function appended(text: string, made: string, eol: string): string {
  if (text.replace(/^\uFEFF/, "").trim() === "") return `${text}${made}${eol}`;
  const end = /\n$/.test(text) ? "" : eol;
  return `${text}${end}${eol}${made}${eol}`;
}

/** @param made what stands there instead; nothing where it is removed, and the empty line before it */
function replaced(text: string, path: Path, made: string | undefined, eol: string): string {
  const all = tomlLines(text);
  const mine = all.map(({ table }) => isBelow(table, path));
  const first = mine.indexOf(true);
  if (first < 0) return text;
  const comments = all.filter(
    (line, at) => mine[at] && line.comment !== "" && isWithin(all, mine, at),
  );
  const kept = made === undefined ? [] : comments.map(({ comment }) => comment);
  const [header = "", ...rest] = made?.split(eol) ?? [];
  const inserted = made === undefined ? "" : [header, ...kept, ...rest].join(eol) + eol;
  const pieces = all.map(({ text: line }, at) => {
    if (at === first) return inserted;
    if (mine[at] && isWithin(all, mine, at)) return "";
    const isEmptyBefore = made === undefined && at === first - 1 && line.trim() === "";
    return isEmptyBefore ? "" : line;
  });
  return pieces.join("");
}

/** Whether a line of a table comes before the table's last value: what follows belongs to the next. */
function isWithin(all: readonly TomlLine[], mine: readonly boolean[], at: number): boolean {
  for (let next = at; next < all.length && mine[next]; next += 1) {
    if (all[next]?.holds) return true;
  }
  return false;
}

function isBelow(table: Path | undefined, path: Path): boolean {
  return table !== undefined && path.every((key, at) => table[at] === key);
}

function verified(before: string, after: string, path: Path, value: unknown): string {
  const others = (text: string) => without(readToml(text), path);
  try {
    const isRight = isDeepStrictEqual(plain(tomlAt(after, path)), value);
    if (isRight && isDeepStrictEqual(others(after), others(before))) return after;
  } catch {
    // Told below.
  }
  throw unusable(`has ${path.slice(0, -1).join(".")} in a form that cannot be changed safely`);
}

/** All but what is at a place, and what holds nothing else. */
function without(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (!isFields(value) || key === undefined) return undefined;
  const inner = without(value[key], rest);
  const others = Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  const isEmpty = inner === undefined || (isFields(inner) && Object.keys(inner).length === 0);
  return isEmpty ? others : { ...others, [key]: inner };
}

function nested(path: Path, value: unknown): Record<string, unknown> {
  const [key = "", ...rest] = path;
  return { [key]: rest.length === 0 ? value : nested(rest, value) };
}

function headerOf(path: Path): string {
  return `[${path.join(".")}]`;
}

/** The parser's own kind of objects as ordinary ones. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function unusable(what: string): AppError {
  return new AppError("configuration", what, {
    next: "Repair it, or add the server by hand; nothing was changed.",
  });
}
