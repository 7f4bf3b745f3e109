/** More marks than anyone puts around each other; a text of nothing but marks ends there as well. */
const MAX_LAYERS = 6;
/** Nothing longer is a link in Markdown. */
const MAX_LINK_CHARACTERS = 20_000;

const PAIRS: readonly (readonly [string, string])[] = [
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["<", ">"],
  ["“", "”"],
  ["”", "”"],
  ["„", "“"],
  ["„", "”"],
  ["‘", "’"],
  ["’", "’"],
  ["‚", "‘"],
  ["‚", "’"],
  ["«", "»"],
  ["»", "«"],
  ["‹", "›"],
  ["›", "‹"],
  ["「", "」"],
  ["『", "』"],
  ["《", "》"],
  ["〈", "〉"],
  ["＂", "＂"],
];

const EDGES = /^[\s\p{Cc}\p{Cf}]+|(?<![\s\p{Cc}\p{Cf}])[\s\p{Cc}\p{Cf}]+$/gu;

/**
 * A reference without the marks that people, models and hosts put around one: blanks, quotes of all
 * kinds, `<…>`, a link or picture of Markdown, a leading `@`. A file whose name really begins and
 * ends with such marks is named with its folder before it (`./'a'.png`).
 */
export function withoutMarks(text: string): string {
  let bare = trimmed(text);
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const inner = trimmed(withoutAt(withoutPair(withoutLink(bare))));
    if (inner === bare) break;
    bare = inner;
  }
  return bare;
}

function trimmed(text: string): string {
  // Looks at both ends only: a picture can be many megabytes of text.
  return /[\s\p{Cc}\p{Cf}]/u.test(text.slice(0, 1) + text.slice(-1))
    ? text.replaceAll(EDGES, "")
    : text;
}

function withoutPair(text: string): string {
  for (const [open, close] of PAIRS) {
    const isPair = text.length >= open.length + close.length;
    if (isPair && text.startsWith(open) && text.endsWith(close)) {
      return text.slice(open.length, -close.length);
    }
  }
  return text;
}

/** `[words](target "title")`, with or without the `!` of a picture. */
function withoutLink(text: string): string {
  if (!/^!?\[/.test(text) || !text.endsWith(")") || text.length > MAX_LINK_CHARACTERS) return text;
  const start = text.indexOf("](");
  if (start === -1) return text;
  const target = text.slice(start + 2, -1).trim();
  return /^(\S+)\s+(?:"[^"]*"|'[^']*')$/.exec(target)?.[1] ?? target;
}

/** `@` marks a file in many hosts; `@(a|b)` is a pattern. */
function withoutAt(text: string): string {
  return /^@[^\s@(]/.test(text) ? text.slice(1) : text;
}
