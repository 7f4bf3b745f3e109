import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

const TEN_MINUTES_S = 600;

/** Lets pages of some origins call and read what they are answered; others learn nothing. */
export function corsFor(isOfOurs: (origin: string | undefined) => boolean): MiddlewareHandler {
  const allow = cors({
    origin: (origin) => (isOfOurs(origin) ? origin : null),
    allowMethods: ["GET", "POST", "DELETE"],
    exposeHeaders: ["WWW-Authenticate", "Retry-After", "Mcp-Session-Id"],
    maxAge: TEN_MINUTES_S,
  });
  return (context, next) =>
    isOfOurs(context.req.header("origin")) ? allow(context, next) : next();
}
