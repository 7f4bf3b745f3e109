import type { Readable, Writable } from "node:stream";
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/server";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import type { Heard } from "./begun-conversation.ts";
import { LineReader } from "./lines.ts";
import { MAX_MESSAGE_BYTES, type Refusal, readMessage, tooLong } from "./message.ts";
import { MAX_QUESTION_CHARACTERS, type MarkOf } from "./questions.ts";
import { RememberedAnswers } from "./remembered-answers.ts";

/** What answers a subscription, whose answer in the sense of JSON-RPC is its end. */
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

export interface StdioStreams {
  stdin: Readable;
  stdout: Writable;
  /** What was answered before; it is taken note of, and not answered again. */
  heard?: readonly Heard[] | undefined;
  /** What answers depend on beside their questions. */
  markOf: MarkOf;
  /** Runs what a message sets going. */
  around?: (message: JSONRPCMessage, run: () => void) => void;
  /** Called once, right after the first answer has been written. */
  onFirstAnswer: () => void;
  /** Called when nothing more is read or written. */
  onClosed: () => void;
}

/**
 * One message a line. The library's own transport copies all that it has of a line with each piece
 * that comes, and ends with a line that is too long; this one reads a line once and refuses it.
 * It also knows what has been asked, and tells when answers have been written. The end of its input
 * is not the end: what was asked before is answered.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #streams: StdioStreams;
  readonly #lines: LineReader;
  readonly #onSent = new Map<RequestId, () => void>();
  /** One entry for each request: a client may use an id again before it is answered. */
  readonly #unanswered: RequestId[] = [];
  /** What was asked and answered before this transport was there. */
  readonly #known = new Set<RequestId>();
  readonly #remembered: RememberedAnswers;
  #onIdle: (() => void) | undefined;
  #hasAnswered = false;
  #isClosed = false;

  constructor(streams: StdioStreams) {
    this.#streams = streams;
    this.#remembered = new RememberedAnswers(streams.markOf);
    this.#lines = new LineReader(MAX_MESSAGE_BYTES, {
      onLine: (text) => this.#read(text),
      onLongLine: (line) => this.#refuse(tooLong(line)),
    });
  }

  async start(): Promise<void> {
    const { stdin, stdout, heard = [] } = this.#streams;
    for (const { text, subscription } of heard) {
      this.#hearAgain(text, subscription ?? randomToken());
    }
    stdin.on("data", this.#onData).resume();
    stdout.on("error", (error) => {
      if (this.#isClosed) return;
      this.onerror?.(error);
      void this.close();
    });
  }

  /** Reads what came last, which may lack its line's end. */
  endInput(): void {
    if (!this.#isClosed) this.#lines.end();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#streams.stdin.off("data", this.#onData).pause();
    this.onclose?.();
    this.#streams.onClosed();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const answered = answeredBy(message);
    try {
      const line = serializeMessage(message);
      const isKnown = answered !== undefined && this.#known.delete(answered);
      const written = isKnown ? undefined : this.#write(line);
      // Whoever waits for the answer need not wait for this.
      this.#remembered.learn(message, line.trimEnd());
      await written;
      if (!this.#hasAnswered) this.#streams.onFirstAnswer();
      this.#hasAnswered = true;
      if (answered === undefined) return;
      if ("result" in message) this.#onSent.get(answered)?.();
      this.#onSent.delete(answered);
    } finally {
      if (answered !== undefined) this.#settled(answered);
    }
  }

  /** Runs something once the answer to a request has been written. */
  onSent(requestId: RequestId, run: () => void): void {
    const earlier = this.#onSent.get(requestId);
    this.#onSent.set(requestId, () => {
      earlier?.();
      run();
    });
  }

  /** Runs something as soon as no request is without its answer. */
  onIdle(run: () => void): void {
    this.#onIdle = run;
    this.#tellIfIdle();
  }

  readonly #onData = (chunk: Buffer) => this.#lines.push(chunk);

  #read(text: string): void {
    if (this.#isClosed) return;
    const read = readMessage(text);
    // Some programs mix other words into what they pipe.
    if (read === undefined) return;
    if ("refusal" in read) {
      this.#refuse(read.refusal);
      return;
    }
    // What was asked and answered before is known to be a message that the library takes.
    const isShort = text.length <= MAX_QUESTION_CHARACTERS;
    const line = isShort ? this.#remembered.lineFor(read.message) : undefined;
    if (line) this.#write(line).catch((error) => this.#report(error));
    else this.#deliver(read.message);
  }

  /** Delivers a message whose first answer the client has already, under an id that is free. */
  #hearAgain(text: string, id: RequestId): void {
    const message = JSON.parse(text);
    if ("id" in message) this.#known.add(id);
    const heard = "id" in message ? { ...message, id } : message;
    this.#remembered.lineFor(heard);
    this.#deliver(heard);
  }

  #deliver(read: unknown): void {
    try {
      const message = parseJSONRPCMessage(read);
      this.#note(message);
      const { around = (_, run) => run() } = this.#streams;
      around(message, () => this.onmessage?.(message));
    } catch (error) {
      this.#report(error);
    }
  }

  #refuse(refusal: Refusal): void {
    this.#write(`${JSON.stringify(refusal)}\n`).catch((error) => this.#report(error));
  }

  #report(error: unknown): void {
    if (error instanceof Error) this.onerror?.(error);
  }

  #write(text: string | Buffer): Promise<void> {
    if (this.#isClosed) return Promise.reject(new AppError("internal", "The client is gone."));
    return new Promise((resolve, reject) => {
      this.#streams.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  #note(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if ("id" in message) {
      if (this.#unanswered.includes(message.id)) this.#remembered.forget(message.id);
      this.#unanswered.push(message.id);
    } else if (message.method === "notifications/cancelled") {
      // Whoever takes a request back gets no answer to it.
      const requestId = message.params?.["requestId"];
      if (typeof requestId === "string" || typeof requestId === "number") this.#settled(requestId);
    }
  }

  #settled(requestId: RequestId): void {
    const place = this.#unanswered.indexOf(requestId);
    if (place !== -1) this.#unanswered.splice(place, 1);
    this.#tellIfIdle();
  }

  #tellIfIdle(): void {
    if (this.#unanswered.length === 0) this.#onIdle?.();
  }
}

/** The request that a message answers, if it does. */
function answeredBy(message: JSONRPCMessage): RequestId | undefined {
  if (!("method" in message)) return message.id;
  if (message.method !== ACKNOWLEDGED) return undefined;
  const id = message.params?._meta?.[SUBSCRIPTION_ID_META_KEY];
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}
