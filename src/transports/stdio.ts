import type { Readable, Writable } from "node:stream";
import type { RequestId } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { ServerFactory } from "../server.ts";

/** Room for a picture sent as a data URI. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface StdioOptions {
  stdin: Readable;
  stdout: Writable;
  /** Called once, right after the first answer has been written. */
  onFirstAnswer: () => void;
  /** Called once, when the client is gone. */
  onEnd: () => void;
  onError: (error: Error) => void;
}

/** Serves one client on stdin and stdout, of any protocol revision. */
export function serveOnStdio(factory: ServerFactory, options: StdioOptions): () => Promise<void> {
  // Every answer that waits until the client reads listens to it.
  options.stdout.setMaxListeners(0);
  const transport = new WatchedTransport(options);
  const handle = serveStdio(
    ({ era }) =>
      factory.create({
        era,
        lasting: true,
        onDelivered: (requestId, run) => transport.onSent(requestId, run),
      }),
    { transport, onerror: options.onError },
  );
  options.stdin.once("end", options.onEnd);
  options.stdin.once("close", options.onEnd);
  return () => handle.close();
}

type Message = Parameters<StdioServerTransport["send"]>[0];

/** Tells when answers have been written. */
class WatchedTransport extends StdioServerTransport {
  #onFirstAnswer: (() => void) | undefined;
  readonly #onSent = new Map<RequestId, () => void>();

  constructor(options: StdioOptions) {
    super(options.stdin, options.stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
    this.#onFirstAnswer = options.onFirstAnswer;
  }

  /** Runs something once the answer to a request has been written. */
  onSent(requestId: RequestId, run: () => void): void {
    const earlier = this.#onSent.get(requestId);
    this.#onSent.set(requestId, () => {
      earlier?.();
      run();
    });
  }

  override async send(message: Message): Promise<void> {
    await super.send(message);
    this.#onFirstAnswer?.();
    this.#onFirstAnswer = undefined;
    if (!("result" in message) || message.id === undefined) return;
    this.#onSent.get(message.id)?.();
    this.#onSent.delete(message.id);
  }
}
