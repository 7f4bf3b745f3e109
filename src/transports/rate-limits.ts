import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../core/caller.ts";
import { type Clock, MINUTE_MS } from "../core/clock.ts";
import { NOT_TAKEN } from "../core/json-rpc.ts";
import { byteCount } from "../core/text.ts";
import { MAX_MESSAGE_BYTES, refused } from "./message.ts";
import { onceOver } from "./once-over.ts";

/** A stream lasts until its client has enough of it: nobody knows when. */
export const STREAM_RETRY_SECONDS = 5;
const BODY_RETRY_SECONDS = 1;

export interface RateLimitOptions {
  clock: Clock;
  /** Within any minute; any number when absent. */
  requestsPerMinute: number | undefined;
  /** Open at a time. */
  streams: number;
  /** Of all requests that are being answered at a time. */
  bodyBytes: number;
}

/** What one user has under way. */
interface Use {
  /** When the requests of the last minute came, by the steady clock, the oldest first. */
  requests: number[];
  streams: number;
  bodyBytes: number;
}

/**
 * How much one user may ask of this process over HTTP, so that others have their share of it. The
 * user of this machine is not limited: there are no others.
 */
export class RateLimits {
  readonly #options: RateLimitOptions;
  readonly #used = new Map<string, Use>();
  #sweptAt = 0;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /**
   * Counts a request and its body, until its answer is over. Asked once it is known who calls and
   * before anything of the body is read.
   * @returns what it is answered instead: 429 with `Retry-After`.
   */
  refuseRequest(
    { owner, isRemote }: Caller,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Response | undefined {
    if (!isRemote) return undefined;
    const { requestsPerMinute, bodyBytes } = this.#options;
    const now = this.#options.clock.elapsed();
    const use = this.#of(owner, now);
    const [oldest] = use.requests;
    if (
      requestsPerMinute !== undefined &&
      oldest !== undefined &&
      use.requests.length >= requestsPerMinute
    ) {
      const seconds = Math.max(1, Math.ceil((oldest + MINUTE_MS - now) / 1000));
      const words = `That is more than ${requestsPerMinute} requests within a minute (LONGCAT_MCP_REQUESTS_PER_MINUTE_PER_USER).`;
      return tooMany(words, seconds);
    }
    const size = bodySize(incoming);
    // What is larger than everything has another answer, and is not read either.
    if (size <= MAX_MESSAGE_BYTES && size > 0 && use.bodyBytes + size > bodyBytes) {
      const words = `Requests that are being answered hold ${byteCount(use.bodyBytes)} already, and at most ${byteCount(bodyBytes)} are held for one user (LONGCAT_MCP_BODY_BYTES_PER_USER).`;
      return tooMany(words, BODY_RETRY_SECONDS);
    }
    if (requestsPerMinute !== undefined) use.requests.push(now);
    use.bodyBytes += size;
    onceOver(outgoing, () => {
      use.bodyBytes -= size;
    });
    return undefined;
  }

  /**
   * Counts a stream of events that a request opens, until its client leaves.
   * @returns what it is answered instead: 429 with `Retry-After`.
   */
  refuseStream({ owner, isRemote }: Caller, outgoing: ServerResponse): Response | undefined {
    if (!isRemote) return undefined;
    const { streams, clock } = this.#options;
    const use = this.#of(owner, clock.elapsed());
    if (use.streams >= streams) {
      const words = `${streams} streams are open, and one user may have no more (LONGCAT_MCP_MAX_STREAMS_PER_USER).`;
      return tooMany(words, STREAM_RETRY_SECONDS);
    }
    use.streams++;
    onceOver(outgoing, () => {
      use.streams--;
    });
    return undefined;
  }

  #of(owner: string, now: number): Use {
    if (now - this.#sweptAt >= MINUTE_MS) this.#sweep(now);
    const use = this.#used.get(owner) ?? { requests: [], streams: 0, bodyBytes: 0 };
    this.#used.set(owner, use);
    forgetOld(use, now);
    return use;
  }

  /** Forgets who has nothing under way. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [owner, use] of this.#used) {
      forgetOld(use, now);
      const isIdle = use.requests.length === 0 && use.streams === 0 && use.bodyBytes === 0;
      if (isIdle) this.#used.delete(owner);
    }
  }
}

function forgetOld({ requests }: Use, now: number): void {
  const first = requests.findIndex((at) => now - at < MINUTE_MS);
  requests.splice(0, first < 0 ? requests.length : first);
}

/** A body that does not say how long it is may be as long as any. */
function bodySize({ headers }: IncomingMessage): number {
  const announced = headers["content-length"];
  if (announced !== undefined) return Number(announced);
  return headers["transfer-encoding"] === undefined ? 0 : MAX_MESSAGE_BYTES;
}

/** What a caller is answered who has too much under way. */
export function tooMany(words: string, seconds: number): Response {
  const message = `${words} Try again in ${seconds} s; nothing was done.`;
  const headers = { "retry-after": String(seconds) };
  return Response.json(refused(null, NOT_TAKEN, message), { status: 429, headers });
}
