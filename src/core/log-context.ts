import { createHash, randomBytes } from "node:crypto";
import { base32 } from "./ids.ts";
import { fieldsOf } from "./json-fields.ts";
import type { LogContext } from "./log.ts";

const REQUEST_BYTES = 8;
const HASH_BYTES = 8;
/** Version 00 of the W3C's Trace Context; `_meta.traceparent` of MCP is the same. */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/**
 * What stands in a log for an owner: always the same for the same one, and of no use to somebody who
 * has the log alone. The first digits of the id's SHA-256.
 */
export function hashedOwner(owner: string): string {
  // Not a slice of all digits, which would keep them all: thousands of jobs hold one.
  return createHash("sha256").update(owner).digest().toString("hex", 0, HASH_BYTES);
}

/** What the log says of everything that is done for one message of a client. */
export function requestContext(message: unknown, owner: string): LogContext {
  const request = `req_${base32(randomBytes(REQUEST_BYTES))}`;
  const traceparent = traceparentOf(message);
  const trace = traceparent === undefined ? {} : { traceparent };
  return { request, owner: hashedOwner(owner), ...trace };
}

/** The trace that a message says it belongs to, if what it says is one. */
function traceparentOf(message: unknown): string | undefined {
  const params = fieldsOf(fieldsOf(message)?.["params"]);
  const given = fieldsOf(params?.["_meta"])?.["traceparent"];
  return typeof given === "string" && TRACEPARENT.test(given) ? given : undefined;
}
