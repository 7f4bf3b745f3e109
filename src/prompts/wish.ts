import { cleanText, oneLine } from "../core/text.ts";

/** What came of a wish on its way through a host. */
export interface Wish {
  /** Nothing where none came. */
  words: string | undefined;
  /** Whether it may be the first word only: some hosts cut at blanks. */
  mayBeCut: boolean;
}

/**
 * What hosts send where a person has typed nothing: `$1`, `${1}`, `$ARGUMENTS`, `{{wish}}`, `<wish>`.
 * One of them always sends `$1` and puts what was typed at the end of a text without such places.
 */
const PLACEHOLDERS =
  /^(?:(?:\$\d+|\$\{[^}]*\}|\$[A-Z_]+|\{\{[^}]*\}\}|<[^<>]*>)\s*)+$|^(?:undefined|null|none)$/i;
const QUOTES = ['"', "'", "“", "«", "`"] as const;
const CLOSING: Readonly<Record<string, string>> = { "“": "”", "«": "»" };

/** A wish as it was meant, as far as that can be seen. */
export function readWish(given: string | undefined): Wish {
  const lines = cleanText(given ?? "")
    .split("\n")
    .map((line) => oneLine(line, Number.POSITIVE_INFINITY));
  const bare = withoutQuotes(lines.join("\n").trim());
  if (bare === "" || PLACEHOLDERS.test(bare)) return { words: undefined, mayBeCut: false };
  return { words: bare, mayBeCut: !/\s/.test(bare) };
}

/** Quotes around the whole, and one that was opened before a wish was cut. */
function withoutQuotes(text: string): string {
  const quote = QUOTES.find((one) => text.startsWith(one));
  if (quote === undefined) return text;
  const closing = CLOSING[quote] ?? quote;
  const inside = text.slice(1);
  const end = inside.indexOf(closing);
  if (end < 0) return inside.trim();
  return end === inside.length - 1 ? inside.slice(0, -1).trim() : text;
}
