import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import type { BegunConversation } from "../transports/begun-conversation.ts";
import { Conversation } from "./conversation.ts";
import type { Prepared } from "./prepared.ts";

const NEWLINE = 0x0a;
/** A longer line is no greeting. */
const MAX_LINE_BYTES = 8 * 1024;
/** How long something that waits for the program lets a list of tools come before it. */
const LIST_GRACE_MS = 20;
/** When work that is left begins at the latest, whatever the client says or does not say. */
const WORK_WITHIN_MS = 500;
/** How often it is looked whether there is work by now, which another process left. */
const LOOK_EVERY_MS = 30_000;

/** Where a client speaks. */
export interface Input {
  /** Reads; until {@link listen}, nothing but what is read can matter. */
  start(): void;
  /** Hears of signals as well from now on. */
  listen(): void;
  /** Gives up reading. @returns what is still to be read, beginning with these bytes. */
  handOver(bytes: Buffer): Readable;
}

export interface InputListener {
  onBytes: (bytes: Buffer) => void;
  onEnd: () => void;
}

export interface FrontOptions {
  prepared: Prepared;
  openInput: (listener: InputListener) => Input;
  write: (text: string) => void;
  clock: Clock;
  /** Whether there is work that begins without a call. */
  hasWork: boolean;
  /** Whether there is such work by now. */
  looksForWork: () => Promise<boolean>;
  /** Goes on with the program itself; once. */
  handOver: (begun: BegunConversation) => void;
}

/** Answers what is prepared on stdin and stdout, and hands all else to the program. */
export class Front {
  readonly #options: FrontOptions;
  readonly #conversation: Conversation;
  readonly #input: Input;
  /** What has been read and is not the front's, in order. */
  #waiting: Buffer[] = [];
  /** The beginning of a line. */
  #partial = Buffer.alloc(0);
  #isOver = false;
  #mustHandOver = false;
  #isListening = false;
  #callOff: (() => void) | undefined;
  #callOffLook: (() => void) | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#conversation = new Conversation(options.prepared);
    this.#input = options.openInput({
      onBytes: (bytes) => this.#read(bytes),
      onEnd: () => this.#end(),
    });
  }

  start(): void {
    if (this.#options.hasWork) {
      this.#listen();
      this.#handOverIn(WORK_WITHIN_MS);
    } else {
      this.#input.start();
    }
  }

  #read(bytes: Buffer): void {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([this.#partial, bytes.subarray(from, at + 1)]);
      this.#partial = Buffer.alloc(0);
      from = at + 1;
      this.#take(line);
    }
    this.#partial = Buffer.concat([this.#partial, bytes.subarray(from)]);
    if (this.#partial.length > MAX_LINE_BYTES) this.#mustHandOver = true;
    this.#goOn();
  }

  /** @param line with its end, if it has one */
  #take(line: Buffer): void {
    const outcome = this.#mustHandOver ? undefined : this.#outcomeOf(line);
    if (outcome?.kind === "answered") this.#options.write(`${outcome.text}\n`);
    if (outcome?.kind === "hand-over") this.#mustHandOver = true;
    if (outcome?.kind === "waits" || this.#mustHandOver) this.#waiting.push(line);
  }

  #outcomeOf(line: Buffer) {
    const text = line.toString("utf8").trim();
    if (text === "") return undefined;
    if (line.length > MAX_LINE_BYTES) return { kind: "hand-over" } as const;
    return this.#conversation.take(text);
  }

  /** After what came together has been read: reads on, or lets the program do it. */
  #goOn(): void {
    const { hasListed } = this.#conversation;
    const isWanted = this.#waiting.length > 0 || this.#options.hasWork;
    if (this.#mustHandOver || (isWanted && hasListed)) {
      this.#handOver();
    } else if (isWanted || hasListed) {
      if (isWanted) this.#handOverIn(LIST_GRACE_MS);
      this.#listen();
    }
  }

  #handOverIn(milliseconds: number): void {
    this.#callOff ??= this.#options.clock.schedule(milliseconds, () => this.#handOver());
  }

  /** From here on more than a message can matter: a signal, and work that others leave. */
  #listen(): void {
    if (this.#isListening || this.#isOver) return;
    this.#isListening = true;
    this.#input.listen();
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock, looksForWork } = this.#options;
    this.#callOffLook = clock.schedule(LOOK_EVERY_MS, async () => {
      if (this.#isOver) return;
      if (await looksForWork()) this.#handOver();
      else this.#lookLater();
    });
  }

  #handOver(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#callOff?.();
    this.#callOffLook?.();
    const stdin = this.#input.handOver(Buffer.concat([...this.#waiting, this.#partial]));
    this.#options.handOver({ stdin, heard: this.#conversation.heard });
  }

  #end(): void {
    if (this.#partial.length > 0) this.#take(this.#partial);
    this.#partial = Buffer.alloc(0);
    if (this.#waiting.length > 0) this.#handOver();
    else this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#callOff?.();
    this.#callOffLook?.();
    for (const text of this.#conversation.end()) this.#options.write(`${text}\n`);
  }
}
