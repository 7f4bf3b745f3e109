import type { ServerResponse } from "node:http";
import {
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import type { Clock } from "../../core/clock.ts";
import { randomToken } from "../../core/ids.ts";
import { onceOver } from "../once-over.ts";
import type { OpenAnswers } from "./open-answers.ts";
import { RecentEvents } from "./recent-events.ts";

/** Longer than a person thinks about a question, or a host sleeps between two. */
export const IDLE_MS = 30 * 60_000;

/** When a client whose stream has broken off comes back. */
const RETRY_MS = 1_000;

export interface SessionOptions {
  clock: Clock;
  /** Ends the session with the last credential that was shown for it. */
  open: OpenAnswers;
  onError: (error: Error) => void;
}

/** One client's session over HTTP: a server of its own that outlives requests. */
export class Session {
  readonly id = randomToken();
  readonly caller: Caller;
  readonly #options: SessionOptions;
  readonly #onEnd: () => void;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  #server: McpServer | undefined;
  #answers = 0;
  #callOffIdle = () => {};
  #forgetCredential = () => {};
  #hasEnded = false;

  /** @param onEnd called once when the session is over, however it ends. */
  constructor(caller: Caller, options: SessionOptions, onEnd: () => void) {
    this.caller = caller;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      eventStore: new RecentEvents(),
      retryInterval: RETRY_MS,
      onsessionclosed: () => this.destroy(),
    });
  }

  /** Whether nothing is being answered and nobody listens. */
  get isIdle(): boolean {
    return this.#answers === 0;
  }

  get isOver(): boolean {
    return this.#hasEnded;
  }

  /** Takes the server that answers, which nobody else has. */
  async serve(server: McpServer): Promise<void> {
    this.#server = server;
    await server.connect(this.#transport);
    if (this.#hasEnded) await server.close();
  }

  /** Keeps the session in use until an answer is over, and for a while after. */
  use(answer: ServerResponse, credential: Credential): void {
    this.#forgetCredential = this.#options.open.vouch(this, credential);
    this.#callOffIdle();
    this.#answers++;
    onceOver(answer, () => {
      this.#answers--;
      if (!this.isIdle || this.#hasEnded) return;
      this.#callOffIdle = this.#options.clock.schedule(IDLE_MS, () => this.destroy());
    });
  }

  /** @param message what the request brings, which has been read. */
  answer(request: Request, message: unknown): Promise<Response> {
    return this.#transport.handleRequest(request, { parsedBody: message });
  }

  /** Ends the session: what it has open is ended in order, and what it waits for is called off. */
  destroy(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#callOffIdle();
    this.#forgetCredential();
    this.#onEnd();
    this.#server?.close().catch(this.#options.onError);
  }
}
