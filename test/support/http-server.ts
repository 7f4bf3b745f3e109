import { onTestFinished } from "vitest";
import type { Access, Authenticator, Credential } from "../../src/access/authenticator.ts";
import { type Caller, GIVEN_SCOPES } from "../../src/core/caller.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { type HttpServers, ServerFactory } from "../../src/server.ts";
import { type HttpOptions, serveOnHttp } from "../../src/transports/http.ts";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import { Traffic } from "../../src/transports/traffic.ts";
import { postMessage } from "./http-callers.ts";
import { idleToolDeps, silentLog } from "./tool-deps.ts";

/** A user over HTTP who may do what users usually may. */
export function remoteCaller(owner: string, more: Partial<Caller> = {}): Caller {
  return { owner, scopes: new Set(GIVEN_SCOPES), isRemote: true, ...more };
}

/** A credential that holds until the test says otherwise. */
export function credential(caller: Caller, more: Partial<Credential> = {}): Credential {
  return {
    ...{ caller, id: caller.owner, endsAt: Number.POSITIVE_INFINITY, holds: async () => true },
    ...more,
  };
}

/** Knows some tokens; closed. */
export class KnownTokens implements Authenticator {
  isOpen = false;
  readonly refusals: string[] = [];
  readonly #known: Record<string, Credential>;

  constructor(known: Record<string, Credential>) {
    this.#known = known;
  }

  async isClosed() {
    return !this.isOpen;
  }

  async verify(token: string) {
    return this.#known[token] ?? { refused: "The token is not known" };
  }

  async again(voucher: string) {
    const found = Object.values(this.#known).find((one) => one.voucher === voucher);
    return found && (await found.holds()) ? found : undefined;
  }

  async noteRefusal(address: string) {
    this.refusals.push(address);
  }
}

/** For servers of whose traffic nobody wants to know. */
export function unwatched(): Traffic {
  return new Traffic(systemClock, [], () => {});
}

export interface HttpServer {
  origin: string;
  events: JobEvents;
  close(): Promise<void>;
  /** Asks for a path of the server. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends one message to /mcp, as 2025-era clients do. */
  send(message: unknown, headers?: Record<string, string>): Promise<Response>;
}

export interface HttpServerOptions extends Partial<HttpOptions> {
  /** In place of the program's own. */
  servers?: HttpServers;
}

/** The HTTP transport with nothing behind its tools, until the test ends. */
export async function openHttpServer(
  access: Access | undefined,
  { servers, ...more }: HttpServerOptions = {},
): Promise<HttpServer> {
  const events = new JobEvents();
  const factory = new ServerFactory({ ...idleToolDeps(), version: "1", events });
  const serving = await serveOnHttp(servers ?? factory, {
    ...{ host: "127.0.0.1", port: 0, version: "1", events, clock: systemClock, access },
    limits: new RateLimits({
      ...{ clock: systemClock, requestsPerMinute: undefined, streams: 16, bodyBytes: 1e9 },
    }),
    ...{ log: silentLog, readiness: async () => [], traffic: unwatched(), onError: () => {} },
    ...more,
  });
  const closed = new Lazy(() => serving.close());
  onTestFinished(() => closed.get());
  const { origin } = new URL(serving.url);
  const ask = (path: string, init: RequestInit = {}) => fetch(origin + path, init);
  return {
    ...{ origin, events, ask, close: () => closed.get() },
    send: (message, headers = {}) => postMessage(`${origin}/mcp`, message, headers),
  };
}

export const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
