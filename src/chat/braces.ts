import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { endOfClass } from "./glob-segment.ts";

const MOST_CHOICES = 200;

/**
 * The patterns that one with braces stands for: `{a,b}`, nested, and `{1..3}` or `{a..c}`.
 * @throws {invalid_input} for more than anyone means.
 */
export function expandBraces(pattern: string): string[] {
  const most = { whole: pattern };
  return expand(pattern, most);
}

function expand(text: string, given: { whole: string }): string[] {
  let done = [""];
  const append = (choices: readonly string[]) => {
    if (done.length * choices.length > MOST_CHOICES) throw tooMany(given.whole);
    done = done.flatMap((start) => choices.map((choice) => start + choice));
  };
  for (let at = 0; at < text.length; ) {
    const braces = text[at] === "{" ? bracesAt(text, at) : undefined;
    if (braces) {
      if (braces.choices.length > MOST_CHOICES) throw tooMany(given.whole);
      append(braces.choices.flatMap((choice) => expand(choice, given)));
      at = braces.end;
    } else {
      const end = Math.max(endOfPlain(text, at), at + 1);
      append([text.slice(at, end)]);
      at = end;
    }
  }
  return done;
}

/** Where the next brace may open, or the character after one that opens nothing. */
function endOfPlain(text: string, start: number): number {
  let at = start;
  while (at < text.length && (text[at] !== "{" || at === start)) at = afterCharacter(text, at);
  return at;
}

function afterCharacter(text: string, at: number): number {
  if (text[at] === "\\") return at + 2;
  return text[at] === "[" ? (endOfClass(text, at) ?? at + 1) : at + 1;
}

/** What braces that open here offer; `undefined` where they mean themselves. */
export function bracesAt(
  text: string,
  start: number,
): { choices: string[]; end: number } | undefined {
  const choices: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = start; at < text.length; at = afterCharacter(text, at)) {
    if (text[at] === "{") depth++;
    if (text[at] === "," && depth === 1) {
      choices.push(text.slice(from, at));
      from = at + 1;
    }
    if (text[at] !== "}" || --depth > 0) continue;
    const last = text.slice(from, at);
    const found = choices.length > 0 ? [...choices, last] : range(last);
    return found && { choices: found, end: at + 1 };
  }
  return undefined;
}

function range(text: string): string[] | undefined {
  const [, first, last] = /^(-?\d{1,9})\.\.(-?\d{1,9})$/.exec(text) ?? [];
  if (first !== undefined && last !== undefined) {
    return between(Number(first), Number(last)).map(String);
  }
  const [, a, z] = /^([a-z])\.\.([a-z])$/i.exec(text) ?? [];
  if (a === undefined || z === undefined) return undefined;
  return between(a.charCodeAt(0), z.charCodeAt(0)).map((code) => String.fromCharCode(code));
}

/** One more than allowed is enough to be refused. */
function between(first: number, last: number): number[] {
  const step = first <= last ? 1 : -1;
  const length = Math.min(Math.abs(last - first), MOST_CHOICES) + 1;
  return Array.from({ length }, (_, position) => first + step * position);
}

function tooMany(pattern: string): AppError {
  return new AppError(
    "invalid_input",
    `The braces of ${oneLine(pattern, 80)} stand for more than ${MOST_CHOICES} patterns, the most that are taken.`,
    { next: "Use * or ? instead, or fewer choices; nothing was sent." },
  );
}
