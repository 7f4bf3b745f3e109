const ASCII_PER_TOKEN = 4;
const TOKENS_PER_OTHER = 0.7;

/** The largest window that the documents print; of a model that tells none, no more is believed. */
export const LARGEST_WINDOW_TOKENS = 1_048_576;
/** The longest answer that the documents print. */
export const LONGEST_ANSWER_TOKENS = 131_072;
/** What a question may have at all; what fits its model is looked at later. */
export const MAX_PROMPT_BYTES = ASCII_PER_TOKEN * LARGEST_WINDOW_TOKENS;

/**
 * About how many tokens a text has: English and code have some four characters each, scripts such
 * as Chinese rather more tokens than that. An estimate on the low side, because it may refuse.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(estimateTokensOf(Buffer.from(text)));
}

/** The same for UTF-8. */
export function estimateTokensOf(utf8: Uint8Array): number {
  let ascii = 0;
  let others = 0;
  // By index: an iterator makes an object a byte until it is compiled.
  for (let at = 0; at < utf8.length; at++) {
    const byte = utf8[at] ?? 0;
    if (byte < 0x80) ascii++;
    // The first byte of a character; the rest of it does not count.
    else if (byte >= 0xc0) others++;
  }
  return ascii / ASCII_PER_TOKEN + others * TOKENS_PER_OTHER;
}
