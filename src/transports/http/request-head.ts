import type { IncomingMessage } from "node:http";

const MAX_CHARACTERS = 8_192;
/**
 * What differs from request to request and is for nobody who answers, and what says who calls, which
 * is asked of each request.
 */
const PASSED_OVER: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "traceparent",
  "tracestate",
]);

/** The line and the headers that a request begins with. */
export type Head = Pick<IncomingMessage, "method" | "url" | "rawHeaders">;

/**
 * All of a request that may matter to whoever answers it, beside its caller and its body, as it came:
 * two requests of the same head are treated alike.
 * @returns `undefined` for one that is longer than any client's.
 */
export function headOf({ method = "", url = "", rawHeaders }: Head): string | undefined {
  let head = `${method} ${url}`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!PASSED_OVER.has(name.toLowerCase())) head += `\n${name}\n${value}`;
  }
  return head.length > MAX_CHARACTERS ? undefined : head;
}
