import type { Dispatcher } from "undici";

/** No whole answer of a provider has more. */
export const MAX_REPLY_BYTES = 4 * 1024 * 1024;

export interface HttpReply {
  status: number;
  /** Only of what is no success: they say why, and when to come again. */
  headers: Record<string, string>;
  text: string;
}

/** An exchange that brought no answer. */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";
  /** Whether the request may have reached the server. `false` is a proof that it did not. */
  readonly sent: boolean;
  constructor(message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.sent = sent;
  }
}

/**
 * One exchange, its answer read whole. It takes undici's events as they are: streams, signals and
 * listeners for every look at every job would cost more than the looks.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly reply: Promise<HttpReply>;
  /** Whether the request may have reached the server. */
  sent = false;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: Record<string, string> = {};
  #controller: Dispatcher.DispatchController | undefined;
  #failure: Error | undefined;
  #resolve!: (reply: HttpReply) => void;
  #reject!: (error: Error) => void;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends it, and keeps it from being sent if it was not. */
  fail(error: Error): void {
    this.#failure = error;
    this.#reject(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure) controller.abort(this.#failure);
    else this.sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    // Nearly all looks succeed, and nobody reads what else their answers carry.
    if (status < 200 || status >= 300) this.#headers = flatten(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.fail(new TransportFailure(`the answer is larger than ${this.#maxBytes} bytes`, true));
    } else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const text = Buffer.concat(this.#chunks).toString("utf8");
    this.#resolve({ status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }
}

/** Names in lower case; values that came more than once are joined. */
export function flatten(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
  const flat: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    flat.push([name.toLowerCase(), typeof value === "string" ? value : value.join(", ")]);
  }
  return Object.fromEntries(flat);
}
