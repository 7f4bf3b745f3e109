import { Readable } from "node:stream";
import { firstOf } from "../core/aborting.ts";
import { Lazy } from "../core/lazy.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";
import type { Redact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";
import type { Connections, RequestOptions } from "./connections.ts";
import {
  DeadlinePassed,
  Exchange,
  flatten,
  type HttpReply,
  isSuccess,
  TransportFailure,
  type Waiting,
} from "./exchange.ts";

/** Of a file's host, until its answer and between two pieces of it. */
const MEDIA_SILENCE_MS = 60_000;

export interface OutboundRequest {
  method: "GET" | "POST";
  url: Pick<URL, "origin" | "pathname" | "search">;
  headers?: Record<string, string>;
  /** JSON body. */
  body?: string | undefined;
  /** From the call to the last byte of the answer. */
  deadlineMs: number;
  maxBytes: number;
  /** Sockets that are never reused: a stale one resets a POST that the server never saw. */
  freshConnection?: boolean;
}

export interface OutboundStream {
  url: URL;
  headers: Record<string, string>;
  /** The body in pieces, and its whole length. */
  body: AsyncIterable<Uint8Array>;
  bodyBytes: number;
  /** Until the status line, and between two pieces of the answer. */
  silenceMs: number;
  signal: AbortSignal;
}

/** A request whose body and answer may both be files. */
export interface OutboundTransfer {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  url: URL;
  headers: Record<string, string>;
  body?: { content: Readable | Uint8Array; bytes: number } | undefined;
  /** While nothing of the body is taken, until the status line, and between pieces of the answer. */
  silenceMs: number;
  signal?: AbortSignal | undefined;
}

/** An answer whose body is still coming. */
export interface HttpStream {
  status: number;
  headers: Record<string, string>;
  body: Readable;
}

/**
 * The one way out for HTTP: connection pools, deadlines and size caps. Follows no redirect
 * and adds no header of its own, so a key goes where the caller says and nowhere else.
 */
export class HttpClient {
  /** Many sessions make no request: what makes one is loaded with the first. */
  readonly #connections: Lazy<Connections>;
  readonly #redact: (text: string) => string;
  #isClosed = false;

  /** @param redact takes our keys out of headers and reasons; bodies are for who parses them. */
  constructor(proxies: ProxySettings = {}, redact: Redact | undefined = undefined) {
    this.#redact = redact ?? ((text) => text);
    this.#connections = new Lazy(async () => {
      const { Connections } = await import("./connections.ts");
      const opened = new Connections(proxies);
      if (this.#isClosed) await opened.close();
      return opened;
    });
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws {TransportFailure} when no complete answer came.
   */
  async send(outbound: OutboundRequest): Promise<HttpReply> {
    const { fresh, pooled } = await this.#connections.get();
    const { url, method, headers = {}, body = null, maxBytes, deadlineMs } = outbound;
    const base = outbound.freshConnection ? fresh : pooled;
    const [origin, path] = [url.origin, url.pathname + url.search];
    // The exchange has a deadline of its own.
    const [headersTimeout, bodyTimeout] = [0, 0];
    const request = { origin, path, method, headers, body, headersTimeout, bodyTimeout };
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        answered: (reply) =>
          resolve(
            isSuccess(reply.status) ? reply : { ...reply, headers: this.#clean(reply.headers) },
          ),
        failed: (error, sent) => reject(this.#failure(error, sent)),
      };
      const exchange = new Exchange(waiting, maxBytes, deadlineMs);
      try {
        base.dispatch(request, exchange);
      } catch (error) {
        exchange.fail(error instanceof Error ? error : new TransportFailure("no answer", false));
      }
    });
  }

  /**
   * POSTs a body that is never held whole and gives the answer while it comes, on a connection of
   * its own.
   * @throws {TransportFailure} when no status line came.
   */
  async stream(outbound: OutboundStream): Promise<HttpStream> {
    const connections = await this.#connections.get();
    let sent = false;
    try {
      const reply = await connections.request(outbound.url, {
        method: "POST",
        headers: { ...outbound.headers, "content-length": String(outbound.bodyBytes) },
        body: Readable.from(outbound.body, { objectMode: false }),
        dispatcher: connections.freshWatched(() => (sent = true)),
        signal: outbound.signal,
        headersTimeout: outbound.silenceMs,
        bodyTimeout: outbound.silenceMs,
      });
      return {
        status: reply.statusCode,
        headers: this.#clean(flatten(reply.headers)),
        body: reply.body,
      };
    } catch (error) {
      throw this.#failure(error, sent);
    }
  }

  /**
   * Opens a media download. Its connector refuses addresses that are not public, unless
   * `allowLoopback` says that this origin is one of our own.
   * @throws {TransportFailure} when no answer came.
   */
  async open(
    url: URL,
    options: {
      headers: Record<string, string>;
      allowLoopback: boolean;
      signal: AbortSignal | undefined;
    },
  ): Promise<HttpStream> {
    const connections = await this.#connections.get();
    const dispatcher = options.allowLoopback ? connections.near : connections.media;
    const { headers, signal } = options;
    const timeouts = { headersTimeout: MEDIA_SILENCE_MS, bodyTimeout: MEDIA_SILENCE_MS };
    const request = { method: "GET" as const, headers, dispatcher, ...timeouts };
    return this.#answer(connections, url, request, signal);
  }

  /**
   * Sends a request to a server of files, whose address was set here.
   * @throws {TransportFailure} when no answer came.
   */
  async transfer(wanted: OutboundTransfer): Promise<HttpStream> {
    const { body, silenceMs, signal, ...outbound } = wanted;
    const connections = await this.#connections.get();
    const { url, method } = outbound;
    const length = body === undefined ? {} : { "content-length": String(body.bytes) };
    const headers = { ...outbound.headers, ...length };
    const timeouts = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    const content = { body: body?.content ?? null, dispatcher: connections.bucket };
    const request = { method, headers, ...content, ...timeouts };
    return this.#answer(connections, url, request, signal);
  }

  /**
   * The request has a signal of its own: one that is shared by many hears of no more than ten, and
   * forgets none of those that Node derives from it.
   */
  async #answer(
    connections: Connections,
    url: URL,
    options: Omit<RequestOptions, "signal">,
    signal: AbortSignal | undefined,
  ): Promise<HttpStream> {
    const own = firstOf([signal]);
    try {
      const { statusCode, headers, body } = await connections.request(url, {
        ...options,
        signal: own.signal,
      });
      body.once("close", own.release);
      return { status: statusCode, headers: this.#clean(flatten(headers)), body };
    } catch (error) {
      own.release();
      throw this.#failure(error, true);
    }
  }

  #clean(headers: Record<string, string>): Record<string, string> {
    // Nearly always there is nothing to take out of any, and one look at all of them tells that.
    const all = Object.values(headers).join("|");
    if (this.#redact(all) === all) return headers;
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, this.#redact(value)]),
    );
  }

  #failure(error: unknown, sent: boolean): TransportFailure {
    return new TransportFailure(this.#redact(reasonOf(error)), sent, error);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#connections.settled())?.close();
  }
}

/**
 * Reads an answer to its end.
 * @throws {TransportFailure} when it breaks off or is too large.
 */
export async function readText(body: Readable, maxBytes: number): Promise<string> {
  try {
    return await readCapped(body, maxBytes);
  } catch (error) {
    if (error instanceof TransportFailure) throw error;
    throw new TransportFailure(reasonOf(error), true, error);
  }
}

async function readCapped(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > maxBytes) {
      body.destroy();
      throw new TransportFailure(`the answer is larger than ${maxBytes} bytes`, true);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What went wrong, in words, without addresses of internals. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  switch (code) {
    case "ECONNREFUSED":
      return "the connection was refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name could not be resolved";
    case "ECONNRESET":
    case "UND_ERR_SOCKET":
      return "the connection broke";
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return "no answer in time";
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return "the connection timed out";
    default:
      return error instanceof DeadlinePassed ? "no answer in time" : oneLine(error.message);
  }
}
