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
  return shortened(clean, max);
}

/** A text as it is, or its beginning and an ellipsis if it has more than `max` characters. */
export function shortened(text: string, max: number): string {
  return text.length > max ? `${beginningOf(text, max)}…` : text;
}

/** The first `max` characters of a text; one that would be cut in half is left out. */
export function beginningOf(text: string, max: number): string {
  return text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "");
}

/** The last `max` characters of a text; one that would be cut in half is left out. */
export function endOf(text: string, max: number): string {
  return text.slice(Math.max(0, text.length - max)).replace(/^[\uDC00-\uDFFF]/, "");
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
