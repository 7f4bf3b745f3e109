import { type Agent, DecoratorHandler, type Dispatcher, request } from "undici";
import type { ProxySettings } from "../core/proxy-settings.ts";
import { checkedConnector } from "./connector.ts";
import { wayOut } from "./proxy-routes.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** As many as there are looks at a time; the few other questions wait for one that is free. */
const POLL_CONNECTIONS = 117;
/** As many as are fetched at a time, so that owners wait for their turn and for nothing else. */
const MEDIA_CONNECTIONS_PER_HOST = 72;
/** For as many that are kept, and some that are looked at meanwhile. */
const BUCKET_CONNECTIONS = 96;

export type RequestOptions = NonNullable<Parameters<typeof request>[1]>;

/** The pools of connections for all that goes out. */
export class Connections {
  /** Sockets that are never reused. */
  readonly fresh: Dispatcher;
  readonly pooled: Dispatcher;
  /** To public addresses only. */
  readonly media: Dispatcher;
  /** To files of a provider on this machine. */
  readonly near: Dispatcher;
  readonly bucket: Dispatcher;
  readonly #agents: Dispatcher[] = [];

  constructor(proxies: ProxySettings) {
    const open = (options: Agent.Options) => {
      const connect = { timeout: CONNECT_TIMEOUT_MS };
      const { dispatcher, agents } = wayOut(proxies, { connect, ...options });
      this.#agents.push(...agents);
      return dispatcher;
    };
    this.fresh = open({ pipelining: 0, keepAliveTimeout: 1 });
    this.pooled = open({ connections: POLL_CONNECTIONS });
    this.near = open({ connections: MEDIA_CONNECTIONS_PER_HOST });
    this.media = open({
      connections: MEDIA_CONNECTIONS_PER_HOST,
      connect: checkedConnector(CONNECT_TIMEOUT_MS),
    });
    this.bucket = open({ connections: BUCKET_CONNECTIONS });
  }

  /** Makes a request. @returns its answer, whose body is still to be read. */
  request(url: URL, options: RequestOptions): ReturnType<typeof request> {
    return request(url, options);
  }

  /** Sockets as of {@link fresh}. @param started hears when one is about to be written to. */
  freshWatched(started: () => void): Dispatcher {
    return this.fresh.compose((dispatch) => (options, handler) => {
      return dispatch(options, new StartWatcher(handler, started));
    });
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
