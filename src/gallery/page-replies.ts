import type { IncomingMessage, ServerResponse } from "node:http";
import { canParseUrl } from "../core/can-parse-url.ts";
import type { Html } from "../core/html.ts";
import { harden, pagePolicy } from "../public/hardened.ts";

/** Forms here have a few short fields. */
const MAX_FORM_BYTES = 8 * 1024;
const POLICY = pagePolicy({ forms: true });

/**
 * Sets what all answers of the gallery have in common. Of addresses no other site is told; a page
 * tells them to this server, since browsers say of a form without them that it comes from nowhere.
 */
export function hardenPage(response: ServerResponse): void {
  harden(response, POLICY);
  response.setHeader("referrer-policy", "same-origin");
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("x-frame-options", "DENY");
}

export function sendPage(response: ServerResponse, content: Html, status = 200): void {
  send(response, status, "text/html; charset=utf-8", String(content));
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** Leads on to another page, after something was done. @param path made here. */
export function leadTo(response: ServerResponse, path: string): void {
  response.writeHead(303, { location: path, "content-length": "0" }).end();
}

/**
 * Whether a request that changes something comes from a page of this very server. Browsers say so
 * by themselves, and no page of another can make them say it.
 */
export function isFromHere({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin, host } = headers;
  if (origin === undefined || host === undefined || !canParseUrl(origin)) return false;
  return new URL(origin).host === host.toLowerCase();
}

/** @returns what a form holds; `undefined` for anything else, or for far too much. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_FORM_BYTES) return undefined;
    chunks.push(bytes);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
