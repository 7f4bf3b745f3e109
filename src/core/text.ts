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

/**
 * Long text from outside, made safe to show as it stands: lines and tabs are kept; other control
 * characters, bidirectional controls and invisible tag characters are removed. Works on pieces.
 */
export function cleanText(text: string): string {
  return text.replaceAll(UNSEEN, "");
}

const UNSEEN =
  /(?![\n\t])\p{Cc}|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]|[\u{E0000}-\u{E007F}]/gu;
