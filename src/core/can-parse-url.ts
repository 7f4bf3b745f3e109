/**
 * Whether a text is a URL, alone or against a base. In place of `URL.canParse`, which on Node 20
 * denies URLs with letters beyond ASCII once it has been called some thousand times.
 */
export function canParseUrl(text: string, base?: string): boolean {
  try {
    return new URL(text, base).href !== "";
  } catch {
    return false;
  }
}
