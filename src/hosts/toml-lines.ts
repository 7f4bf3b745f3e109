/** A line of TOML, with its end. */
export interface TomlLine {
  text: string;
  /** The table it belongs to, its own header included; undefined above the first. */
  table: readonly string[] | undefined;
  /** The comment in it, from its `#`; empty where there is none. */
  comment: string;
  /** Whether it is a header, or holds a part of a value. */
  holds: boolean;
}

type Quote = '"' | "'" | '"""' | "'''";

/** The lines of a text; what looks like a header inside of a text or a list is none. */
export function tomlLines(text: string): TomlLine[] {
  const lines: TomlLine[] = [];
  let table: readonly string[] | undefined;
  const open: { quote: Quote | undefined; depth: number } = { quote: undefined, depth: 0 };
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const isFresh = open.quote === undefined && open.depth === 0;
    const header = isFresh ? headerIn(line) : undefined;
    if (header) table = header;
    const comment = header ? commentOf(line.slice(line.lastIndexOf("]"))) : scan(line, open);
    const bare = line.replace(/^\uFEFF/, "").trim();
    const holds = !isFresh || (bare !== "" && !bare.startsWith("#"));
    lines.push({ text: line, table, comment, holds });
  }
  return lines;
}

const HEADER = /^\uFEFF?\s*\[\[?((?:[^"'\]#]|"(?:[^"\\]|\\.)*"|'[^']*')+)\]\]?\s*(?:#.*)?$/s;
const KEY = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+)/g;

function headerIn(line: string): string[] | undefined {
  const inside = HEADER.exec(line.trimEnd())?.[1];
  if (inside === undefined) return undefined;
  return [...inside.matchAll(KEY)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

function commentOf(rest: string): string {
  const at = rest.indexOf("#");
  return at < 0 ? "" : rest.slice(at).trimEnd();
}

/** Follows texts and lists through a line. @returns the comment that ends it */
function scan(line: string, open: { quote: Quote | undefined; depth: number }): string {
  let at = 0;
  while (at < line.length) {
    const rest = line.slice(at);
    const { quote } = open;
    if (quote !== undefined) {
      if (quote.startsWith('"') && rest.startsWith("\\")) at += 2;
      else if (rest.startsWith(quote)) {
        open.quote = undefined;
        at += quote.length;
      } else at += 1;
      continue;
    }
    if (rest.startsWith("#")) return rest.trimEnd();
    const opening = (['"""', "'''", '"', "'"] as const).find((one) => rest.startsWith(one));
    if (opening) open.quote = opening;
    if (/^[[{]/.test(rest)) open.depth += 1;
    if (/^[\]}]/.test(rest)) open.depth -= 1;
    at += opening?.length ?? 1;
  }
  // A text of one line ends with it, whatever stands in it.
  if (open.quote?.length === 1) open.quote = undefined;
  return "";
}
