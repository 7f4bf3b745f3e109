import type { IncomingMessage, ServerResponse } from "node:http";
import { atMost, type Clock } from "../core/clock.ts";

/** A request that was answered, or whose client has left before it was. */
export interface Answered {
  method: string;
  /** One of a few; see {@link Traffic.arrived}. */
  route: string;
  /** `undefined` where nothing was answered. */
  status: number | undefined;
  seconds: number;
  isStream: boolean;
}

const METHODS: readonly (string | undefined)[] = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"];

/**
 * What is being answered on a port, so that an orderly end can wait for it. Streams last as long as
 * their clients like, so nobody waits for them.
 */
export class Traffic {
  readonly #clock: Clock;
  readonly #routes: readonly string[];
  readonly #onAnswered: (answered: Answered) => void;
  readonly #open = new Set<ServerResponse>();
  readonly #streams = new Set<ServerResponse>();
  readonly #waiting = new Set<() => void>();

  /** @param routes paths that are told apart; all others count as one. */
  constructor(clock: Clock, routes: readonly string[], onAnswered: (answered: Answered) => void) {
    this.#clock = clock;
    this.#routes = routes;
    this.#onAnswered = onAnswered;
  }

  /** Requests that are being answered at the moment, without streams. */
  get calls(): number {
    return this.#open.size - this.#streams.size;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Counts a request until its answer has left. */
  arrived(request: IncomingMessage, response: ServerResponse): void {
    const startedAt = this.#clock.elapsed();
    // The words of strangers are in no figure.
    const [path = ""] = (request.url ?? "").split("?", 1);
    const route = this.#routes.includes(path) ? path : "other";
    const method = METHODS.includes(request.method) ? (request.method ?? "") : "other";
    this.#open.add(response);
    response.once("close", () => {
      this.#open.delete(response);
      const isStream = this.#streams.delete(response);
      const seconds = (this.#clock.elapsed() - startedAt) / 1000;
      const status = response.headersSent ? response.statusCode : undefined;
      this.#onAnswered({ method, route, status, seconds, isStream });
      for (const look of this.#waiting) look();
    });
  }

  /** Says that an answer is a stream of events, which goes on until somebody ends it. */
  isStream(response: ServerResponse): void {
    if (!this.#open.has(response)) return;
    this.#streams.add(response);
    for (const look of this.#waiting) look();
  }

  /** Once nothing is left to be answered. */
  callsAnswered(): Promise<void> {
    return this.#until(() => this.calls === 0);
  }

  /** Once nothing is left at all, or some time has passed. */
  allOver(patienceMs: number): Promise<void> {
    return atMost(
      this.#clock,
      patienceMs,
      this.#until(() => this.#open.size === 0),
    );
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
