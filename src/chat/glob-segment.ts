import { AppError } from "../core/errors.ts";
import type { Effort } from "./effort.ts";

/*
 * Matching of one name, without regular expressions: all ways to match are followed at once, as a
 * set of places in the name, so that no pattern takes more than its length times the name's.
 */

type Token =
  | { kind: "text"; text: string }
  | { kind: "one"; has: (character: string) => boolean }
  | { kind: "many" }
  | { kind: "group"; mark: string; choices: readonly (readonly Token[])[] };

export interface SegmentOptions {
  /** Whether `*`, `?` and the like stand for a dot at the beginning of a name as well. */
  dot: boolean;
  /** Whether `+(a|b)` and its kin are groups of names. */
  groups: boolean;
}

/** A pattern for one name. */
export interface Segment {
  matches(name: string, effort: Effort): boolean;
  /** Whether it stands for one name only. */
  isPlain: boolean;
}

const GROUP_MARKS = "?*+@!";
const ANY = () => true;

export function parseSegment(pattern: string, { dot, groups }: SegmentOptions): Segment {
  // As a whole: a letter and its accent may be two characters.
  const tokens = parse(pattern.normalize("NFC"), groups);
  const [first] = tokens;
  const last = tokens.at(-1);
  const head = first?.kind === "text" ? first.text : "";
  const tail = last?.kind === "text" ? last.text : "";
  const isPlain = tokens.length === 0 || (tokens.length === 1 && head !== "");
  const takesDot = dot || head.startsWith(".");
  return {
    isPlain,
    matches(given, effort) {
      effort.spend(1);
      const name = given.normalize("NFC");
      if (isPlain) return name === head;
      // What is usual is told by its ends.
      if (!name.startsWith(head) || !name.endsWith(tail)) return false;
      if (name.startsWith(".") && !takesDot) return false;
      return endsOf(tokens, name, startAt(0, name), effort)[name.length] === 1;
    },
  };
}

function parse(pattern: string, groups: boolean): Token[] {
  const tokens: Token[] = [];
  const addText = (text: string) => {
    const last = tokens.at(-1);
    if (last?.kind === "text") last.text += text;
    else tokens.push({ kind: "text", text });
  };
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] ?? "";
    const group = groups ? groupAt(pattern, at) : undefined;
    const classEnd = character === "[" ? endOfClass(pattern, at) : undefined;
    if (group) {
      const choices = group.choices.map((choice) => parse(choice, false));
      tokens.push({ kind: "group", mark: character, choices });
      at = group.end;
    } else if (classEnd !== undefined) {
      tokens.push({ kind: "one", has: classOf(pattern.slice(at + 1, classEnd - 1)) });
      at = classEnd;
    } else if (character === "*") {
      if (tokens.at(-1)?.kind !== "many") tokens.push({ kind: "many" });
      at++;
    } else if (character === "?") {
      tokens.push({ kind: "one", has: ANY });
      at++;
    } else {
      const isEscape = character === "\\" && at + 1 < pattern.length;
      const length = isEscape ? 2 : 1;
      addText(pattern.slice(at + length - 1, at + length));
      at += length;
    }
  }
  return tokens;
}

/**
 * The choices of a group that opens here.
 * @throws {invalid_input} for a group inside a group.
 */
export function groupAt(
  pattern: string,
  start: number,
): { choices: string[]; end: number } | undefined {
  if (!GROUP_MARKS.includes(pattern[start] ?? " ") || pattern[start + 1] !== "(") return undefined;
  const choices: string[] = [];
  let from = start + 2;
  for (let at = from; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (GROUP_MARKS.includes(character) && pattern[at + 1] === "(") throw groupInGroup();
    if (character === "\\") at++;
    if (character === "|" || character === ")") {
      choices.push(pattern.slice(from, at));
      from = at + 1;
    }
    if (character === ")") return { choices, end: at + 1 };
  }
  return undefined;
}

function groupInGroup(): AppError {
  return new AppError(
    "invalid_input",
    "A pattern has a group of names inside another, such as +(+(a)|b).",
    {
      next: "Use *, **, ?, [a-z], {a,b}, and groups such as +(a|b) without others in them; nothing was sent.",
    },
  );
}

/** Behind the bracket that closes a class of characters; `undefined` where nothing does. */
export function endOfClass(pattern: string, start: number): number | undefined {
  let at = start + 1;
  if (pattern[at] === "!" || pattern[at] === "^") at++;
  // A bracket that comes first is a member.
  if (pattern[at] === "]") at++;
  for (; at < pattern.length && pattern[at] !== "/"; at++) {
    if (pattern[at] === "]") return at + 1;
    const nameEnd = pattern.startsWith("[:", at) ? pattern.indexOf(":]", at + 2) : -1;
    if (nameEnd !== -1) at = nameEnd + 1;
    if (pattern[at] === "\\") at++;
  }
  return undefined;
}

const NAMED_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /^[\p{L}\p{N}]$/u,
  alpha: /^\p{L}$/u,
  blank: /^[ \t]$/,
  digit: /^\d$/,
  lower: /^\p{Ll}$/u,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^\s$/,
  upper: /^\p{Lu}$/u,
  xdigit: /^[\da-f]$/i,
};

function classOf(text: string): (character: string) => boolean {
  const isNegated = text.startsWith("!") || text.startsWith("^");
  const members = isNegated ? text.slice(1) : text;
  const tests: ((character: string) => boolean)[] = [];
  const characters = Array.from(members);
  for (let at = 0; at < characters.length; at++) {
    const named = /^\[:([a-z]+):\]/.exec(characters.slice(at, at + 12).join(""));
    const expression = NAMED_CLASSES[named?.[1] ?? ""];
    if (named && expression) {
      tests.push((character) => expression.test(character));
      at += named[0].length - 1;
      continue;
    }
    if (characters[at] === "\\" && at + 1 < characters.length) at++;
    const from = characters[at] ?? "";
    let to = from;
    if (characters[at + 1] === "-" && at + 2 < characters.length) {
      at += characters[at + 2] === "\\" && at + 3 < characters.length ? 3 : 2;
      to = characters[at] ?? "";
    }
    const [low, high] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0];
    tests.push((character) => {
      const code = character.codePointAt(0) ?? 0;
      return low <= code && code <= high;
    });
  }
  return (character) => tests.some((test) => test(character)) !== isNegated;
}

/** Places in a name: how much of it is matched. */
type Places = Uint8Array;

function startAt(place: number, name: string): Places {
  const places = new Uint8Array(name.length + 1);
  places[place] = 1;
  return places;
}

/** Where a match of all tokens can end, begun at any of some places. */
function endsOf(tokens: readonly Token[], name: string, from: Places, effort: Effort): Places {
  let places = from;
  for (const token of tokens) {
    effort.spend(name.length + 1);
    places = endsOfOne(token, name, places, effort);
  }
  return places;
}

function endsOfOne(token: Token, name: string, from: Places, effort: Effort): Places {
  const ends = new Uint8Array(name.length + 1);
  switch (token.kind) {
    case "many":
      return from.indexOf(1) === -1 ? from : ends.fill(1, from.indexOf(1));
    case "text":
      for (let at = from.indexOf(1); at !== -1; at = from.indexOf(1, at + 1)) {
        if (name.startsWith(token.text, at)) ends[at + token.text.length] = 1;
      }
      return ends;
    case "one":
      for (let at = from.indexOf(1); at !== -1; at = from.indexOf(1, at + 1)) {
        if (at === name.length) break;
        const character = String.fromCodePoint(name.codePointAt(at) ?? 0);
        if (token.has(character)) ends[at + character.length] = 1;
      }
      return ends;
    default:
      return endsOfGroup(token, name, from, effort);
  }
}

function endsOfGroup(
  { mark, choices }: Extract<Token, { kind: "group" }>,
  name: string,
  from: Places,
  effort: Effort,
): Places {
  const once = (places: Places) =>
    choices
      .map((choice) => endsOf(choice, name, places, effort))
      .reduce((all, some) => all.map((is, at) => is | (some[at] ?? 0)));
  switch (mark) {
    case "@":
      return once(from);
    case "?":
      return once(from).map((is, at) => is | (from[at] ?? 0));
    case "!":
      return endsOfOthers(once, name, from);
    default: {
      // Each round begins only where none has begun before.
      const all = mark === "*" ? from.slice() : new Uint8Array(name.length + 1);
      let fresh = from;
      while (fresh.includes(1)) {
        fresh = once(fresh).map((is, at) => is & (all[at] === 1 ? 0 : 1));
        for (const [at, is] of fresh.entries()) if (is === 1) all[at] = 1;
      }
      return all;
    }
  }
}

/** `!(…)`: whatever none of the choices is. */
function endsOfOthers(once: (places: Places) => Places, name: string, from: Places): Places {
  const ends = new Uint8Array(name.length + 1);
  for (let at = from.indexOf(1); at !== -1; at = from.indexOf(1, at + 1)) {
    const taken = once(startAt(at, name));
    for (let end = at; end <= name.length; end++) if (taken[end] === 0) ends[end] = 1;
  }
  return ends;
}
