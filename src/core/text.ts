const MAX_UPSTREAM_CHARACTERS = 300;

/**
 * Text from outside, made safe to show: white space folded; control characters, bidirectional
 * overrides and invisible formatting characters removed; cut after `max` characters.
 */
export function quoteUpstream(text: string, max = MAX_UPSTREAM_CHARACTERS): string {
  const clean = text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
  // Half a character is not left at the end.
  return clean.length > max ? `${clean.slice(0, max).replace(/[\uD800-\uDBFF]$/, "")}…` : clean;
}
