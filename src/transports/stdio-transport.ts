import type { Readable, Writable } from "node:stream";
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type RequestId,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/server";
import { AppError } from "../core/errors.ts";
import { LineReader } from "./lines.ts";
import { MAX_MESSAGE_BYTES, type Refusal, readMessage, tooLong } from "./message.ts";

/** A request that is answered when the client takes it back, and not before. */
const LASTING_METHOD = "subscriptions/listen";

export interface StdioStreams {
  stdin: Readable;
  stdout: Writable;
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
  readonly #unanswered = new Set<RequestId>();
  #onIdle: (() => void) | undefined;
  #hasAnswered = false;
  #isClosed = false;

  constructor(streams: StdioStreams) {
    this.#streams = streams;
    this.#lines = new LineReader(MAX_MESSAGE_BYTES, {
      onLine: (text) => this.#read(text),
      onLongLine: (line) => this.#refuse(tooLong(line)),
    });
  }

  async start(): Promise<void> {
    const { stdin, stdout } = this.#streams;
    stdin.on("data", this.#onData);
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
    const answered = "method" in message ? undefined : message.id;
    try {
      await this.#write(serializeMessage(message));
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
    if ("refusal" in read) this.#refuse(read.refusal);
    else this.#deliver(read.message);
  }

  #deliver(read: unknown): void {
    try {
      const message = parseJSONRPCMessage(read);
      this.#note(message);
      this.onmessage?.(message);
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

  #write(text: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new AppError("internal", "The client is gone."));
    return new Promise((resolve, reject) => {
      this.#streams.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  #note(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if ("id" in message) {
      if (message.method !== LASTING_METHOD) this.#unanswered.add(message.id);
    } else if (message.method === "notifications/cancelled") {
      // Whoever takes a request back gets no answer to it.
      const requestId = message.params?.["requestId"];
      if (typeof requestId === "string" || typeof requestId === "number") this.#settled(requestId);
    }
  }

  #settled(requestId: RequestId): void {
    this.#unanswered.delete(requestId);
    this.#tellIfIdle();
  }

  #tellIfIdle(): void {
    if (this.#unanswered.size === 0) this.#onIdle?.();
  }
}
