import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect } from "vitest";
import { CALLER_KEYS } from "./envelope.ts";

type Headers = Record<string, string>;

/** A client of the 2025 era. @param headers with all that it sends. */
export async function connectOld(url: URL, headers: Headers): Promise<Client> {
  const client = new Client({ name: "old", version: "1" });
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  // Its optional fields are not declared as the client wants them.
  await client.connect(transport as never);
  return client;
}

/** A client of 2026-07-28. @param headers with all that it sends. */
export async function connectModern(url: URL, headers: Headers): Promise<ModernClient> {
  const client = new ModernClient(
    { name: "new", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect(new ModernHttp(url, { requestInit: { headers } }));
  return client;
}

/** Sends one message as any client does. @param headers more, and others in their place. */
export function postMessage(
  url: URL | string,
  message: unknown,
  headers: Headers = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: {
      ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
      ...headers,
    },
    body: JSON.stringify(message),
    ...(signal ? { signal } : {}),
  });
}

/** A stream of what happens, as clients of 2026-07-28 open it. @param caller who asks, as headers. */
export function openListening(url: URL, caller: Headers = {}): Promise<Response> {
  const _meta = {
    [CALLER_KEYS.version]: "2026-07-28",
    [CALLER_KEYS.client]: { name: "listener", version: "1" },
    [CALLER_KEYS.capabilities]: {},
  };
  const params = { _meta, notifications: { resourcesListChanged: true } };
  const message = { jsonrpc: "2.0", id: 7, method: "subscriptions/listen", params };
  const revision = { "mcp-protocol-version": "2026-07-28", "mcp-method": message.method };
  return postMessage(url, message, { ...revision, ...caller });
}

/** Sends messages as clients of the 2025 era do, in a session of its own. */
export async function beginSession(url: URL, caller: Headers) {
  const post = (message: object, more: Headers = {}) =>
    postMessage(url, { jsonrpc: "2.0", ...message }, { ...caller, ...more });
  const clientInfo = { name: "raw", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const begun = await post({ id: 0, method: "initialize", params });
  await begun.text();
  const own = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  expect(own["mcp-session-id"]).not.toBe("");
  return { own, send: (message: object) => post(message, own), post };
}
