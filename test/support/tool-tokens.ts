import { tokensIn } from "./tokens.ts";

/** All tools together, as hosts show them to a model: `_meta` and icons are for the hosts alone. */
export const MAX_TOOL_TOKENS = 5_000;

/** A tool as a client gets it. */
interface Listed {
  _meta?: unknown;
  icons?: unknown;
}

/** What a list of tools costs an assistant that is shown all of it, in tokens. */
export function tokensOf(tools: readonly Listed[]): number {
  return tokensIn(JSON.stringify(tools.map(({ _meta, icons, ...shown }) => shown)));
}
