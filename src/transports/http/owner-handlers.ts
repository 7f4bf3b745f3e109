import {
  createMcpHandler,
  type McpHttpHandler,
  type McpServerFactory,
} from "@modelcontextprotocol/server";
import type { Caller } from "../../core/caller.ts";
import type { JobEvents } from "../../jobs/events.ts";
import { onResourceEvents } from "../../server.ts";

export interface OwnerHandlersOptions {
  events: JobEvents;
  /** Makes the server of one request. */
  createServer: McpServerFactory;
  onError: (error: Error) => void;
}

/**
 * What answers each owner's requests over HTTP, and tells those who listen of that owner's jobs. A
 * handler has one bus for all who listen to it, so that every owner has a handler, one for each set of scopes.
 */
export class OwnerHandlers {
  readonly #options: OwnerHandlersOptions;
  readonly #handlers = new Map<string, { handler: McpHttpHandler; stop: () => void }>();

  constructor(options: OwnerHandlersOptions) {
    this.#options = options;
  }

  of(caller: Caller): McpHttpHandler {
    const key = [caller.owner, ...caller.scopes].join(" ");
    const known = this.#handlers.get(key);
    if (known) return known.handler;
    const { events, createServer, onError } = this.#options;
    const handler = createMcpHandler(createServer, { onerror: onError });
    const stop = onResourceEvents(events, caller, (uris, isListChanged) => {
      for (const uri of uris) handler.notify.resourceUpdated(uri);
      if (isListChanged) handler.notify.resourcesChanged();
    });
    this.#handlers.set(key, { handler, stop });
    return handler;
  }

  async close(): Promise<void> {
    const all = [...this.#handlers.values()];
    for (const { stop } of all) stop();
    await Promise.all(all.map(({ handler }) => handler.close()));
  }
}
