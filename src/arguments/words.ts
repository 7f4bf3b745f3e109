import { nearMiss } from "../models/near-miss.ts";
import { listed, shown } from "./shown.ts";

/** Longer words are none of a list's. */
const MAX_WORD = 60;

/** The allowed word that exactly is meant: another case, other marks between its parts, a ratio. */
export function exactWord(text: string, allowed: readonly string[]): string | undefined {
  if (text.length > MAX_WORD) return undefined;
  const wanted = bare(text);
  const same = allowed.filter((word) => bare(word) === wanted);
  if (same.length === 1) return same[0];
  const ratio = /^(\d{1,2}) ?[:/x*×_-] ?(\d{1,2})$/.exec(text.trim().toLowerCase());
  if (!ratio) return undefined;
  const fitting = allowed.filter((word) => word.endsWith(`_${ratio[1]}_${ratio[2]}`));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Why a word is refused, with the likely intention behind a near miss. */
export function refusedWord(value: unknown, allowed: readonly string[]): string {
  const isWord = typeof value === "string" && value.length <= MAX_WORD;
  const likely = isWord ? nearMiss(value, allowed) : undefined;
  const hint = likely ? ` Did you mean \`${likely}\`?` : "";
  return `${shown(value)} is not allowed.${hint} Allowed: ${listed(allowed)}.`;
}

/** Only letters and digits, and the sign between the sides of a size. */
function bare(word: string): string {
  return word
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/(\d)\s*[x*×]\s*(?=\d)/g, "$1×")
    .replaceAll(/[^\p{L}\p{N}×]/gu, "");
}
