import type { ServerResponse } from "node:http";

/** What a page of ours may do: load its own script and style, and nothing of anybody else's. */
export function pagePolicy({ forms }: { forms: boolean }): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    `form-action ${forms ? "'self'" : "'none'"}`,
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * Sets what all that a browser is given here has in common: kept by nobody, taken for nothing else
 * than it says it is, and its address told to nobody.
 * @param policy of a page; see {@link pagePolicy}.
 */
export function harden(response: ServerResponse, policy?: string): void {
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("cache-control", "private, no-store");
  if (policy !== undefined) response.setHeader("content-security-policy", policy);
}
