import { canParseUrl } from "../core/can-parse-url.ts";
import { readUri } from "../core/uris.ts";

/** Where the bytes of a file that a caller names come from. */
export type FileOrigin = "url" | "data" | "earlier" | "upload" | "path";

/** @returns `undefined` for what cannot name a file. */
export function fileOrigin(text: string): FileOrigin | undefined {
  if (isHttpUrl(text)) return "url";
  if (isDataUri(text)) return "data";
  const named = readUri(text)?.kind;
  if (named === "medium") return "earlier";
  if (named === "upload") return "upload";
  if (/^file:\/\//i.test(text)) return "path";
  // A single letter before the colon is a Windows drive.
  const isPath = text.trim() !== "" && !/^[a-z][a-z0-9+.-]+:/i.test(text);
  return isPath ? "path" : undefined;
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s/]/i.test(text) && canParseUrl(text);
}

function isDataUri(text: string): boolean {
  return /^data:(?:image|application)\/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$/i.test(text);
}
