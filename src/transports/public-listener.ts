import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isAnyAddress } from "./http/in-front.ts";

const GET_AND_HEAD = ["GET", "HEAD"];
/** Addresses are short, and nobody has to say much to fetch a file. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_HEADERS = 64;
const MAX_CONNECTIONS = 256;
/** How long strangers may take to say what they want, and to take what they are given. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 20_000;
const IDLE_MS = 60_000;
const KEEP_ALIVE_MS = 5_000;
const CHECK_MS = 2_000;
/** How soon the port of a process that has ended is taken over. */
const RETRY_MS = 5_000;

/** One kind of address that anybody may ask for. */
export interface PublicRoute {
  /** What the path begins with, with a slash at both ends. */
  prefix: string;
  /** What it answers; GET and HEAD when absent. */
  methods?: readonly string[];
  /** It reads the body of a request itself; otherwise a body is not read, and ends the connection. */
  takesBody?: boolean;
  /** How long a body may take to come, in milliseconds. */
  bodyMs?: number;
  /**
   * Answers a request of one of its methods.
   * @param rest the path behind the prefix, without a query, as it was sent: nothing is decoded.
   */
  answer(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void>;
}

export interface PublicOptions {
  /** The address to listen on: that of MCP over HTTP, so that whatever reaches one reaches the other. */
  host: string;
  /** To be tried in order; 0 takes any free one. */
  ports: readonly number[];
  routes: readonly PublicRoute[];
  /** The path of the public address, which a proxy may leave or take away; "" for none. */
  basePath: string;
  /** Whether another process of ours, on the same data folder, answers there. */
  isOurs: (origin: string) => Promise<boolean>;
  /** How long a request may take to come, in milliseconds. */
  headersMs?: number;
  clock: Clock;
  onError: (error: unknown) => void;
}

/**
 * The port that a tunnel or reverse proxy leads to. It knows nothing but its routes, so that
 * whatever reaches it can neither see nor call anything else. Several processes may share one port
 * and one folder: whoever has the port serves for all, and another takes it over when that one ends.
 */
export class PublicListener {
  readonly #options: PublicOptions;
  #server: Server | undefined;
  #opening: Promise<void> | undefined;
  #port: number;
  #callOff = () => {};
  #isClosed = false;

  constructor(options: PublicOptions) {
    this.#options = options;
    this.#port = options.ports[0] ?? 0;
  }

  /** Listens, unless another program has the port. @returns where this machine finds it. */
  async open(): Promise<string> {
    this.#opening ??= this.#open();
    await this.#opening;
    return this.#origin;
  }

  /**
   * Makes sure that what is public is served, by this process or by another of ours.
   * @throws {configuration} when a stranger has the port.
   */
  async require(): Promise<void> {
    await this.open();
    if (!this.#server) await this.#open();
    if (this.#server || (await this.#options.isOurs(this.#origin))) return;
    throw new AppError(
      "configuration",
      `Port ${this.#port} is used by another program, so public files cannot be served there; choose another with LONGCAT_MCP_PUBLIC_PORT and lead the tunnel there.`,
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff();
    await this.#opening;
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  get #origin(): string {
    return `http://${reachable(this.#options.host)}:${this.#port}`;
  }

  async #open(): Promise<void> {
    this.#callOff();
    for (const port of this.#options.ports) {
      if (this.#isClosed || this.#server) return;
      this.#server = await this.#listen(port);
    }
    const address = this.#server?.address();
    if (typeof address === "object" && address) this.#port = address.port;
    if (this.#server || this.#isClosed) return;
    this.#callOff = this.#options.clock.schedule(RETRY_MS, () => {
      void this.#open();
    });
  }

  async #listen(port: number): Promise<Server | undefined> {
    const { createServer } = await import("node:http");
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: this.#options.headersMs ?? HEADERS_MS,
        requestTimeout: Math.max(REQUEST_MS, ...this.#options.routes.map((one) => one.bodyMs ?? 0)),
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: Math.min(CHECK_MS, this.#options.headersMs ?? CHECK_MS),
      },
      (request, response) => void this.#answer(request, response),
    );
    // Who asks before sending a body hears at once if it is not wanted.
    server.on("checkContinue", (request, response) => void this.#answer(request, response));
    server.maxHeadersCount = MAX_HEADERS;
    server.maxConnections = MAX_CONNECTIONS;
    server.setTimeout(IDLE_MS);
    return new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(port, this.#options.host, () => {
        server.on("error", this.#options.onError);
        resolve(server);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("x-content-type-options", "nosniff");
    const { basePath, routes } = this.#options;
    const [whole = ""] = (request.url ?? "").split("?", 1);
    const path = whole.startsWith(`${basePath}/`) ? whole.slice(basePath.length) : whole;
    const route = routes.find(({ prefix }) => path.startsWith(prefix));
    const { methods = GET_AND_HEAD, takesBody = false, bodyMs = REQUEST_MS } = route ?? {};
    const isTaken = methods.includes(request.method ?? "");
    if (hasBody(request) && !(isTaken && takesBody)) response.setHeader("connection", "close");
    const callOff = this.#options.clock.schedule(bodyMs, () => {
      if (!request.complete) request.destroy();
    });
    response.once("close", callOff);
    try {
      if (!route) return nothing(response, 404);
      if (!isTaken) {
        response.setHeader("allow", methods.join(", "));
        return nothing(response, 405);
      }
      await route.answer(request, response, path.slice(route.prefix.length));
    } catch (error) {
      this.#options.onError(error);
      if (response.headersSent) response.destroy();
      else nothing(response, 500);
    }
  }
}

/** Where this machine reaches what listens on a host. */
function reachable(host: string): string {
  const isV6 = host.includes(":");
  if (isAnyAddress(host)) return isV6 ? "[::1]" : "127.0.0.1";
  return isV6 ? `[${host}]` : host;
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function nothing(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": "0" }).end();
}
