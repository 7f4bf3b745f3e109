import { PassThrough, type Readable, type Writable } from "node:stream";
import type { RequestId } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Clock } from "../core/clock.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import type { ServerFactory } from "../server.ts";

/** Room for a picture sent as a data URI. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** How long a client that has ended its input is still answered. */
const LAST_ANSWERS_MS = 10_000;

export interface StdioOptions {
  stdin: Readable;
  stdout: Writable;
  clock: Clock;
  /** Called once, right after the first answer has been written. */
  onFirstAnswer: () => void;
  /** Called when the client is gone and what it asked before has been answered. */
  onEnd: () => void;
  onError: (error: Error) => void;
}

/** Serves one client on stdin and stdout, of any protocol revision. */
export function serveOnStdio(factory: ServerFactory, options: StdioOptions): () => Promise<void> {
  const { stdin, stdout, clock, onEnd } = options;
  // Every answer that waits until the client reads listens to it.
  stdout.setMaxListeners(0);
  // The library takes the end of its input for the end of everything; it is told later.
  const input = stdin.pipe(new PassThrough(), { end: false });
  const transport = new WatchedTransport(input, options);
  const leaving = new AbortController();
  const handle = serveStdio(
    ({ era }) =>
      factory.create({
        owner: LOCAL_OWNER,
        era,
        lasting: true,
        leaving: leaving.signal,
        onDelivered: (requestId, run) => transport.onSent(requestId, run),
      }),
    { transport, onerror: options.onError },
  );
  const lastAnswers = () => {
    if (input.readableLength > 0) return void setImmediate(lastAnswers);
    leaving.abort();
    clock.schedule(LAST_ANSWERS_MS, onEnd);
    transport.onIdle(() => stdout.write("", () => onEnd()));
  };
  // What came last may lack its line's end.
  stdin.once("end", () => input.write("\n", lastAnswers));
  stdin.once("close", () => {
    if (!stdin.readableEnded) onEnd();
  });
  stdin.once("error", onEnd);
  return () => handle.close();
}

type Message = Parameters<StdioServerTransport["send"]>[0];

/** A request that is answered when the client takes it back, and not before. */
const LASTING_METHOD = "subscriptions/listen";

/** Knows what has been asked and tells when answers have been written. */
class WatchedTransport extends StdioServerTransport {
  #onFirstAnswer: (() => void) | undefined;
  readonly #onClosed: () => void;
  readonly #onSent = new Map<RequestId, () => void>();
  readonly #unanswered = new Set<RequestId>();
  #onIdle: (() => void) | undefined;

  constructor(input: Readable, { stdout, onFirstAnswer, onEnd }: StdioOptions) {
    super(input, stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
    this.#onFirstAnswer = onFirstAnswer;
    this.#onClosed = onEnd;
  }

  override async start(): Promise<void> {
    const deliver = this.onmessage;
    this.onmessage = (message) => {
      this.#note(message);
      deliver?.(message);
    };
    await super.start();
  }

  override async close(): Promise<void> {
    await super.close();
    this.#onClosed();
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

  override async send(message: Message): Promise<void> {
    const answered = "method" in message ? undefined : message.id;
    try {
      await super.send(message);
      this.#onFirstAnswer?.();
      this.#onFirstAnswer = undefined;
      if (answered === undefined) return;
      if ("result" in message) this.#onSent.get(answered)?.();
      this.#onSent.delete(answered);
    } finally {
      if (answered !== undefined) this.#settled(answered);
    }
  }

  #note(message: Message): void {
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
