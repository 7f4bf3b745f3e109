/*
 * The codes of errors in JSON-RPC, as far as anything here says them: those of its own, then those
 * of MCP.
 */

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;

/** What was not taken on the way to any method, and why is said in words. */
export const NOT_TAKEN = -32000;
/** What the libraries of the 2025 era say of a session that is not there. */
export const SESSION_NOT_FOUND = -32001;
/** Revisions before 2026-07-28 have a code of its own for a resource that is not there. */
export const RESOURCE_NOT_FOUND = -32002;
