import { Readable } from "node:stream";
import { type Agent, DecoratorHandler, type Dispatcher, request } from "undici";
import { firstOf } from "../core/aborting.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";
import type { Redact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";
import { checkedConnector } from "./connector.ts";
import {
  DeadlinePassed,
  Exchange,
  flatten,
  type HttpReply,
  isSuccess,
  TransportFailure,
  type Waiting,
} from "./exchange.ts";
import { wayOut } from "./proxy-routes.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Of a file's host, until its answer and between two pieces of it. */
const MEDIA_SILENCE_MS = 60_000;
/** As many as there are looks at a time; the few other questions wait for one that is free. */
const POLL_CONNECTIONS = 117;
/** As many as are fetched at a time, so that owners wait for their turn and for nothing else. */
const MEDIA_CONNECTIONS_PER_HOST = 72;
/** For as many that are kept, and some that are looked at meanwhile. */
const BUCKET_CONNECTIONS = 96;

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
  readonly #fresh: Dispatcher;
  readonly #pooled: Dispatcher;
  readonly #media: Dispatcher;
  /** To files of a provider on this machine. */
  readonly #near: Dispatcher;
  readonly #bucket: Dispatcher;
  readonly #agents: Dispatcher[] = [];

  readonly #redact: (text: string) => string;

  /** @param redact takes our keys out of headers and reasons; bodies are for who parses them. */
  constructor(proxies: ProxySettings = {}, redact: Redact | undefined = undefined) {
    this.#redact = redact ?? ((text) => text);
    const open = (options: Agent.Options) => {
      const connect = { timeout: CONNECT_TIMEOUT_MS };
      const { dispatcher, agents } = wayOut(proxies, { connect, ...options });
      this.#agents.push(...agents);
      return dispatcher;
    };
    this.#fresh = open({ pipelining: 0, keepAliveTimeout: 1 });
    this.#pooled = open({ connections: POLL_CONNECTIONS });
    this.#near = open({ connections: MEDIA_CONNECTIONS_PER_HOST });
    this.#media = open({
      connections: MEDIA_CONNECTIONS_PER_HOST,
      connect: checkedConnector(CONNECT_TIMEOUT_MS),
    });
    this.#bucket = open({ connections: BUCKET_CONNECTIONS });
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws {TransportFailure} when no complete answer came.
   */
  send(outbound: OutboundRequest): Promise<HttpReply> {
    const { url, method, headers = {}, body = null, maxBytes, deadlineMs } = outbound;
    const base = outbound.freshConnection ? this.#fresh : this.#pooled;
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
    let sent = false;
    try {
      const reply = await request(outbound.url, {
        method: "POST",
        headers: { ...outbound.headers, "content-length": String(outbound.bodyBytes) },
        body: Readable.from(outbound.body, { objectMode: false }),
        dispatcher: watchStart(this.#fresh, () => (sent = true)),
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
  open(
    url: URL,
    options: {
      headers: Record<string, string>;
      allowLoopback: boolean;
      signal: AbortSignal | undefined;
    },
  ): Promise<HttpStream> {
    const dispatcher = options.allowLoopback ? this.#near : this.#media;
    const { headers, signal } = options;
    const timeouts = { headersTimeout: MEDIA_SILENCE_MS, bodyTimeout: MEDIA_SILENCE_MS };
    return this.#answer(url, { method: "GET", headers, dispatcher, ...timeouts }, signal);
  }

  /**
   * Sends a request to a server of files, whose address was set here.
   * @throws {TransportFailure} when no answer came.
   */
  transfer({ body, silenceMs, signal, ...outbound }: OutboundTransfer): Promise<HttpStream> {
    const { url, method } = outbound;
    const length = body === undefined ? {} : { "content-length": String(body.bytes) };
    const headers = { ...outbound.headers, ...length };
    const timeouts = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    const content = { body: body?.content ?? null, dispatcher: this.#bucket };
    return this.#answer(url, { method, headers, ...content, ...timeouts }, signal);
  }

  /**
   * The request has a signal of its own: one that is shared by many hears of no more than ten, and
   * forgets none of those that Node derives from it.
   */
  async #answer(
    url: URL,
    options: Omit<NonNullable<Parameters<typeof request>[1]>, "signal">,
    signal: AbortSignal | undefined,
  ): Promise<HttpStream> {
    const own = firstOf([signal]);
    try {
      const { statusCode, headers, body } = await request(url, { ...options, signal: own.signal });
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
    await Promise.all(this.#agents.map((agent) => agent.destroy()));
  }
}

/** Tells when a request is about to be written to a connected socket. */
class StartWatcher extends DecoratorHandler {
  readonly #started: () => void;
  readonly #inner: Dispatcher.DispatchHandler;

  constructor(handler: Dispatcher.DispatchHandler, started: () => void) {
    super(handler);
    this.#inner = handler;
    this.#started = started;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#started();
    this.#inner.onRequestStart?.(controller, context);
  }
}

function watchStart(base: Dispatcher, started: () => void): Dispatcher {
  return base.compose((dispatch) => (options, handler) => {
    return dispatch(options, new StartWatcher(handler, started));
  });
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
