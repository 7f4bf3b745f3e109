import type { IncomingMessage } from "node:http";
import { type Head, headOf } from "./request-head.ts";

/** Clients at a time, more or less; all of them together hold half a megabyte at most. */
const MOST_KNOWN = 64;

/** What a request is told by. */
export interface Arrived extends Head, Pick<IncomingMessage, "headers"> {
  socket: { remoteAddress?: string | undefined };
}

/**
 * Heads of requests that all guards have let pass. A client sends the same one with every message,
 * and what the guards say of it depends on nothing else than what is kept here with it. Who calls is
 * asked each time.
 */
export class KnownHeads {
  /** By head and address, whether callers had to say who they are. */
  readonly #known = new Map<string, boolean>();

  /**
   * Whether callers had to say who they are when a request like this passed, from the same address:
   * as long as that is so, the guards let it pass again.
   * @returns `undefined` if none has.
   */
  wasClosed(request: Arrived): boolean | undefined {
    const key = keyOf(request);
    return key === undefined ? undefined : this.#known.get(key);
  }

  /**
   * Takes note of a request that has passed, if it is for no more than a message to be answered.
   * @param isClosed whether callers have to say who they are
   */
  add(request: Arrived, isClosed: boolean): void {
    // What a page is told beside its answer is not for whoever answers.
    const isMessage = request.method === "POST" && request.headers.origin === undefined;
    const key = isMessage ? keyOf(request) : undefined;
    if (key === undefined) return;
    this.#known.delete(key);
    this.#known.set(key, isClosed);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > MOST_KNOWN) this.#known.delete(oldest);
  }
}

function keyOf(request: Arrived): string | undefined {
  const address = request.socket.remoteAddress;
  const head = headOf(request);
  // Who has left meanwhile has no address any more.
  return head === undefined || address === undefined ? undefined : `${address} ${head}`;
}
