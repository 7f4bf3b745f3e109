const ASCII_PER_TOKEN = 4;
const TOKENS_PER_OTHER = 0.7;

/**
 * About how many tokens a text has: English and code have some four characters each, scripts such
 * as Chinese rather more tokens than that. An estimate on the low side, because it may refuse.
 */
export function estimateTokens(text: string): number {
  let others = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) others++;
  return Math.ceil((text.length - others) / ASCII_PER_TOKEN + others * TOKENS_PER_OTHER);
}
