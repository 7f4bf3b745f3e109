import type { Readable, Writable } from "node:stream";
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
  const transport = new FirstAnswerTransport(options);
  const handle = serveStdio(({ era }) => factory.create({ era, lasting: true }), {
    transport,
    onerror: options.onError,
  });
  options.stdin.once("end", options.onEnd);
  options.stdin.once("close", options.onEnd);
  return () => handle.close();
}

class FirstAnswerTransport extends StdioServerTransport {
  #onFirstAnswer: (() => void) | undefined;

  constructor(options: StdioOptions) {
    super(options.stdin, options.stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
    this.#onFirstAnswer = options.onFirstAnswer;
  }

  override async send(message: Parameters<StdioServerTransport["send"]>[0]): Promise<void> {
    await super.send(message);
    this.#onFirstAnswer?.();
    this.#onFirstAnswer = undefined;
  }
}
