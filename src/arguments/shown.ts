import { beginningOf, oneLine } from "../core/text.ts";

const MAX_SHOWN = 60;
const MAX_LISTED = 20;

/** A value from outside, as an error shows it; takes the same time however large it is. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    // Cut first: cleaning looks at every character.
    return `"${oneLine(beginningOf(value, MAX_SHOWN * 2), MAX_SHOWN)}"`;
  }
  if (Array.isArray(value)) return `a list (${value.length} entries)`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** The name of an argument from outside. */
export function shownName(name: string): string {
  return `\`${oneLine(beginningOf(name, MAX_SHOWN * 2), MAX_SHOWN).replaceAll("`", "'")}\``;
}

/** Words of ours, as code. */
export function listed(words: readonly string[], most = MAX_LISTED): string {
  const more = words.length - most;
  const all = words.slice(0, most).map((word) => `\`${word}\``);
  return all.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
