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

/** An answer has not come in time. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/** Who waits for an answer. One of the two is called, once. */
export interface Waiting {
  answered(reply: HttpReply): void;
  /** @param sent whether the request may have reached the server. */
  failed(error: unknown, sent: boolean): void;
}

/**
 * One exchange, its answer read whole. It takes undici's events as they are: streams, signals and
 * listeners for every look at every job would cost more than the looks.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #waiting: Waiting;
  readonly #maxBytes: number;
  readonly #deadline: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: Record<string, string> = {};
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #failure: Error | undefined;

  /** @param deadlineMs from now to the last byte of the answer. */
  constructor(waiting: Waiting, maxBytes: number, deadlineMs: number) {
    this.#waiting = waiting;
    this.#maxBytes = maxBytes;
    this.#deadline = setTimeout(() => this.fail(new DeadlinePassed()), deadlineMs);
  }

  /** Ends it, and keeps it from being sent if it was not. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    clearTimeout(this.#deadline);
    this.#waiting.failed(error, this.#sent);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure) controller.abort(this.#failure);
    else this.#sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    // Nearly all looks succeed, and nobody reads what else their answers carry.
    if (!isSuccess(status)) this.#headers = flatten(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.fail(new TransportFailure(`the answer is larger than ${this.#maxBytes} bytes`, true));
    } else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#failure) return;
    clearTimeout(this.#deadline);
    const [first] = this.#chunks;
    const bytes = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    const text = bytes.toString("utf8");
    this.#waiting.answered({ status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
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
