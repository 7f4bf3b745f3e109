import type { AsyncLocalStorage } from "node:async_hooks";
import type {
  EventId,
  EventStore,
  JSONRPCMessage,
  RequestId,
  StreamId,
} from "@modelcontextprotocol/server";
import { atMost, type Clock } from "../../core/clock.ts";
import { toAppError } from "../../core/errors.ts";
import { fieldsOf } from "../../core/json-fields.ts";
import { INTERNAL_ERROR } from "../../core/json-rpc.ts";
import { MOST_EVENT_BYTES, type SessionRecord } from "../../sessions/session-record.ts";
import type { SessionSeal } from "../../sessions/session-seal.ts";
import { refused } from "../message.ts";
import { eventIdOf, NEWS_STREAM } from "./event-ids.ts";

/** A client that is there hears what it is told, whether or not that can be kept for it. */
const KEEP_MS = 2_000;
const TOO_LARGE =
  "The connection broke off, and this answer is too large to be kept for whoever comes back: ask again. Nothing was lost, and jobs go on.";

export interface SessionEventsOptions {
  /** This process. */
  writer: string;
  seal: SessionSeal;
  clock: Clock;
  /** The requests in whose course something is said, of all sessions of this process. */
  asked: AsyncLocalStorage<readonly RequestId[]>;
  /** Where it is kept, and the time there. */
  shared: { record: SessionRecord; clock: Pick<Clock, "now"> };
  onError: (error: Error) => void;
}

/** A stream on which requests are answered. */
interface Answering {
  number: number;
  asked: readonly RequestId[];
  left: Set<RequestId>;
}

/**
 * What a session is told by this process on streams of its requests, kept for a client whose
 * connection breaks off. News is not kept: whoever listens again hears of all that may have changed.
 */
export class SessionEvents implements EventStore {
  readonly #options: SessionEventsOptions;
  readonly #streams = new Map<StreamId, Answering>();
  readonly #listeners = new Set<() => void>();
  #news = 0;

  constructor(options: SessionEventsOptions) {
    this.#options = options;
  }

  /** Whether requests are being answered, whoever listens. */
  get isAtWork(): boolean {
    return this.#streams.size > 0;
  }

  isWriting(stream: StreamId): boolean {
    return this.#streams.has(stream);
  }

  isAnswering(id: unknown): boolean {
    return [...this.#streams.values()].some(({ left }) => [...left].some((one) => one === id));
  }

  /** Answers a message, whose requests the events of its stream name. */
  answering<T>(message: unknown, answer: () => Promise<T>): Promise<T> {
    return this.#options.asked.run(requestsIn(message), answer);
  }

  /** Notes that a request is answered no more. */
  callOff(id: unknown): void {
    for (const [stream, { left }] of this.#streams) {
      for (const one of left) if (one === id) left.delete(one);
      if (left.size === 0) this.#streams.delete(stream);
    }
    this.#wake();
  }

  /** Calls a listener when something was said. @returns what ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async storeEvent(stream: StreamId, message: JSONRPCMessage): Promise<EventId> {
    const { writer } = this.#options;
    if (stream === NEWS_STREAM) {
      return eventIdOf({ stream, number: ++this.#news, writer, asked: [], isEnd: false });
    }
    const answering = this.#answering(stream);
    // What is said in the course of nothing is for nobody who could come back.
    if (!answering) return eventIdOf({ stream, number: 0, writer, asked: [], isEnd: false });
    const { asked, left } = answering;
    // What opens a stream is an event without a message, and nothing to be heard again.
    if (!("jsonrpc" in message)) {
      return eventIdOf({ stream, number: answering.number, writer, asked, isEnd: false });
    }
    const number = ++answering.number;
    const isAnswer = !("method" in message);
    if (isAnswer && message.id !== undefined) left.delete(message.id);
    const isEnd = isAnswer && left.size === 0;
    const id = eventIdOf({ stream, number, writer, asked, isEnd });
    await this.#keep(stream, number, id, message);
    if (isEnd) this.#streams.delete(stream);
    this.#wake();
    return id;
  }

  /** Never asked: streams that broke off are taken up without the library. */
  async replayEventsAfter(): Promise<StreamId> {
    return NEWS_STREAM;
  }

  #answering(stream: StreamId): Answering | undefined {
    const known = this.#streams.get(stream);
    if (known) return known;
    const asked = this.#options.asked.getStore();
    if (!asked) return undefined;
    const answering = { number: 0, asked, left: new Set(asked) };
    this.#streams.set(stream, answering);
    return answering;
  }

  async #keep(stream: StreamId, number: number, id: EventId, message: JSONRPCMessage) {
    const { seal, clock, shared, onError } = this.#options;
    const { handle } = seal;
    let sealed = seal.seal({ id, message });
    if (sealed.length > MOST_EVENT_BYTES) {
      if ("method" in message) return;
      sealed = seal.seal({ id, message: refused(message.id ?? null, INTERNAL_ERROR, TOO_LARGE) });
    }
    const kept = shared.record
      .tell({ handle, stream, number, sealed }, shared.clock.now())
      .catch((error: unknown) => onError(toAppError(error)));
    await atMost(clock, KEEP_MS, kept);
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The ids of the requests in a message, or in several. */
function requestsIn(message: unknown): RequestId[] {
  const messages: unknown[] = Array.isArray(message) ? message : [message];
  return messages.flatMap((one) => {
    const { method, id } = fieldsOf(one) ?? {};
    if (typeof method !== "string") return [];
    return typeof id === "string" || typeof id === "number" ? [id] : [];
  });
}
