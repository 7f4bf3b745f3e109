import { fieldsOf } from "../core/json-fields.ts";
import { INVALID_PARAMS, INVALID_REQUEST } from "../core/json-rpc.ts";
import { byteCount } from "../core/text.ts";
import { countValues, withWholeArguments } from "../core/whole-arguments.ts";
import type { LongLine } from "./lines.ts";

/** Room for a picture sent as a data URI. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** More than any message of MCP has beside the arguments of a tool; all of them are checked often. */
const MAX_VALUES = 10_000;

const LISTS: readonly unknown[] = [
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
];
/** No list of ours has a second page, so no cursor is one of ours. */
const NO_SUCH_PAGE = "Invalid cursor: this list is given whole. Ask for it without `cursor`.";

/** An error as JSON-RPC has it; `id` is `null` where it is not known what failed. */
export interface Refusal {
  jsonrpc: "2.0";
  id: string | number | null;
  error: { code: number; message: string };
}

/** What a client has sent, as the MCP library is given it, or what it is answered instead. */
export type Read = { message: unknown } | { refusal: Refusal };

/** Reads JSON text from a client. @returns `undefined` for what is none. */
export function readMessage(text: string): Read | undefined {
  let parsed: unknown;
  try {
    // Some shells begin what they pipe with a mark of its encoding.
    parsed = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch {
    return undefined;
  }
  const message = withWholeArguments(parsed);
  if (countValues(message, MAX_VALUES) < MAX_VALUES) {
    return asksForPage(message)
      ? { refusal: refused(requestIdOf(parsed), INVALID_PARAMS, NO_SUCH_PAGE) }
      : { message };
  }
  const words = `Beside the arguments of a tool, a message has fewer than ${MAX_VALUES} values.`;
  return { refusal: refused(requestIdOf(parsed), INVALID_REQUEST, words) };
}

/** What a client is told whose message is too long to be read. */
export function tooLongWords(bytes?: number): string {
  const size = bytes === undefined ? "is too long" : `has ${byteCount(bytes)}`;
  return `The message ${size}; at most ${byteCount(MAX_MESSAGE_BYTES)} are taken. Give a picture as the path of a file or as an https URL instead of a data URI.`;
}

/** The answer to a line that is too long to be read. */
export function tooLong(line: LongLine): Refusal {
  return refused(idOfLong(line), INVALID_REQUEST, tooLongWords(line.bytes));
}

export function refused(id: Refusal["id"], code: number, message: string): Refusal {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** Whether a message asks for a page of a list; the library would give the whole list. */
function asksForPage(message: unknown): boolean {
  const { method, params } = fieldsOf(message) ?? {};
  const cursor = LISTS.includes(method) ? fieldsOf(params)?.["cursor"] : undefined;
  return typeof cursor === "string" && cursor !== "";
}

function requestIdOf(message: unknown): Refusal["id"] {
  if (typeof message !== "object" || message === null) return null;
  const id = "method" in message && "id" in message ? message.id : null;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

const ID = String.raw`"id"\s*:\s*(-?\d{1,15}|"[^"\\]{0,200}")`;
const WORD = String.raw`"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"`;
/** A request whose id comes before its parameters. */
const ID_AT_START = new RegExp(
  String.raw`^\s*\{\s*(?:${WORD}\s*,\s*)*${ID}\s*,\s*"(?:jsonrpc|method|params)"`,
);
/** A request, whatever its order. */
const REQUEST = new RegExp(String.raw`^\s*\{\s*(?:${WORD}\s*,\s*)*"(?:method|params)"`);
/** No text of JSON can end like this but by a member of the whole: its quotes would be escaped. */
const ID_AT_END = new RegExp(String.raw`,\s*${ID}\s*(?:,\s*${WORD}\s*)*\}\s*$`);

/** Whose a line is that was not read, where its ends tell. */
function idOfLong({ start, end }: LongLine): Refusal["id"] {
  const atEnd = REQUEST.test(start) ? ID_AT_END.exec(end) : null;
  const id = (ID_AT_START.exec(start) ?? atEnd)?.[1];
  return id === undefined ? null : id.startsWith('"') ? id.slice(1, -1) : Number(id);
}
