/** The most characters of any text from outside that one line of ours quotes. */
export const MAX_SHOWN_CHARACTERS = 300;

/**
 * THE way to show text that comes from outside: arguments, the provider's words, addresses, names,
 * paths. It becomes a piece of one line: line breaks and white space are folded, what is not seen
 * (controls, bidirectional and zero-width characters, fillers, halves of characters) is removed, and
 * what is longer than `max` characters is cut. A line of ours never begins with it, so that it
 * cannot pass for one. Text that is itself the product goes through {@link cleanText} instead.
 */
export function oneLine(text: string, max = MAX_SHOWN_CHARACTERS): string {
  const clean = text.replaceAll(BREAKS, " ").replaceAll(INVISIBLE, "").replaceAll(/ {2,}/g, " ");
  return shortened(clean.trim(), max);
}

/** The most characters of one message of ours, whatever it quotes. */
const MAX_MESSAGE_CHARACTERS = 4_000;

/**
 * A whole sentence of ours that may quote foreign text, on its way out: one line, and no word in it
 * that is too long to be read.
 */
export function message(text: string): string {
  return oneLine(text, MAX_MESSAGE_CHARACTERS).replaceAll(LONG_WORD, (word) => oneLine(word));
}

const LONG_WORD = new RegExp(`\\S{${MAX_SHOWN_CHARACTERS + 1},}`, "g");

/** Whatever a reader may take for white space or for the end of a line. */
const BREAKS = /[\s\u0085]+/g;
/** What takes no room, turns the direction of what follows, or is no character at all. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

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

/**
 * A number in whole ones, as people read it: 1,234,567. To say the same, `toLocaleString` loads what
 * the system knows of languages, which is 7 MB.
 */
export function grouped(value: number): string {
  return Math.round(value)
    .toFixed()
    .replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A size as it is, for messages: rounded, two sizes that differ may look the same. */
export function byteCount(bytes: number): string {
  return `${grouped(bytes)} ${bytes === 1 ? "byte" : "bytes"}`;
}

/** A value as JSON for eyes: what is not seen, or turns the direction of text, is escaped. */
export function visibleJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, undefined, indent).replaceAll(HIDDEN, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu;
