import { type McpServer, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { readUri } from "../core/uris.ts";

/** Longer than any address of ours. */
const MOST_CHARACTERS = 512;

/** Addresses of what a client of the 2025 era wants to hear of. */
export interface Subscriptions {
  has(uri: string): boolean;
  /** @returns whether there was room for it. */
  add(uri: string): boolean | Promise<boolean>;
  delete(uri: string): unknown;
}

/** Those of a connection that nobody else has a part in. */
export function ownSubscriptions(): Subscriptions {
  const uris = new Set<string>();
  return {
    has: (uri) => uris.has(uri),
    add: (uri) => uris.add(uri).has(uri),
    delete: (uri) => uris.delete(uri),
  };
}

/** Takes subscriptions of the 2025 era; later revisions listen in another way and never come here. */
export function handleSubscriptions({ server }: McpServer, subscribed: Subscriptions): void {
  server.setRequestHandler("resources/subscribe", async ({ params: { uri } }) => {
    // Of nothing else there is ever news.
    if (!readUri(uri) || uri.length > MOST_CHARACTERS) return {};
    if (await subscribed.add(uri)) return {};
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, TOO_MANY);
  });
  server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }) => {
    await subscribed.delete(uri);
    return {};
  });
}

const TOO_MANY =
  "This session has as many subscriptions as it may. End some with resources/unsubscribe first, or look with job_list.";
