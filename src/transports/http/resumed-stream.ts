import * as z from "zod";
import { onAbort } from "../../core/aborting.ts";
import type { Clock } from "../../core/clock.ts";
import { INTERNAL_ERROR } from "../../core/json-rpc.ts";
import { KEPT_MS, type SessionEvent, type SessionRecord } from "../../sessions/session-record.ts";
import type { SessionSeal } from "../../sessions/session-seal.ts";
import { refused } from "../message.ts";
import { type EventPlace, eventIdOf, readEventId } from "./event-ids.ts";
import type { SessionEvents } from "./session-events.ts";

/** What another process writes is looked for so often. */
const LOOK_MS = 1_000;
/** A process that has not shown for that long that it is at work has gone. */
const GONE_MS = 10_000;
/** What stands between closes connections on which nothing comes. */
const SIGN_OF_LIFE_MS = 15_000;

const GONE =
  "The server that was at work on this call has ended, or its answer is kept no longer. Jobs go on and nothing was lost: look at job_list or job_status before you start it again.";

const said = z.object({ id: z.string(), message: z.unknown() });

export interface ResumedStreamOptions {
  /** This process. */
  writer: string;
  seal: SessionSeal;
  record: SessionRecord;
  clock: Clock;
  /** What this process says in the session. */
  events: SessionEvents;
  /** Aborts when the session is over here. */
  over: AbortSignal;
}

/**
 * A stream on which requests are answered, for a client that had lost it: what it has missed, and what
 * is still to come, whichever process is at work on that.
 */
export class ResumedStream {
  readonly #options: ResumedStreamOptions;
  readonly #from: EventPlace;
  readonly #left = new AbortController();
  #number: number;
  #beat: number | undefined;
  /** When something was last heard of the stream, and of the process that writes it. */
  #heardAt: number;
  #aliveAt: number;
  #wroteAt: number;

  constructor(from: EventPlace, options: ResumedStreamOptions) {
    this.#from = from;
    this.#options = options;
    this.#number = from.number;
    this.#heardAt = options.clock.elapsed();
    this.#aliveAt = this.#heardAt;
    this.#wroteAt = this.#heardAt;
  }

  answer(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void this.#tell(controller),
      cancel: () => this.#left.abort(),
    });
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    };
    return new Response(body, { headers });
  }

  async #tell(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { over, clock } = this.#options;
    const write = (text: string) => {
      this.#wroteAt = clock.elapsed();
      controller.enqueue(new TextEncoder().encode(text));
    };
    const say = (id: string, message: unknown) =>
      write(`event: message\nid: ${id}\ndata: ${JSON.stringify(message)}\n\n`);
    const isOver = () => over.aborted || this.#left.signal.aborted;
    while (!isOver()) {
      // Asked before what it has said, which may be its last word.
      const isGone = await this.#isGone();
      const told = await this.#told();
      if (isOver()) break;
      for (const { id, message } of told) say(id, message);
      if (told.some(({ id }) => readEventId(id)?.isEnd)) break;
      if (isGone && told.length === 0) {
        const place = { ...this.#from, number: this.#number + 1, isEnd: true };
        for (const id of this.#from.asked) say(eventIdOf(place), refused(id, INTERNAL_ERROR, GONE));
        break;
      }
      if (clock.elapsed() - this.#wroteAt >= SIGN_OF_LIFE_MS) write(": keepalive\n\n");
      await this.#pause();
    }
    if (!this.#left.signal.aborted) controller.close();
  }

  /** What came since the last look; nothing, where that cannot be looked up now. */
  async #told(): Promise<z.output<typeof said>[]> {
    const { record, seal, clock } = this.#options;
    const events = await record
      .toldAfter(seal.handle, this.#from.stream, this.#number)
      .catch((): SessionEvent[] => []);
    const last = events.at(-1);
    if (!last) return [];
    this.#number = last.number;
    this.#heardAt = clock.elapsed();
    return events.flatMap(({ sealed }) => {
      const read = said.safeParse(seal.open(sealed));
      return read.success ? [read.data] : [];
    });
  }

  /** Whether nothing more will come. */
  async #isGone(): Promise<boolean> {
    const { writer, events, record, clock } = this.#options;
    if (this.#from.writer === writer) return !events.isWriting(this.#from.stream);
    const now = clock.elapsed();
    try {
      const beat = await record.beatOf(this.#from.writer);
      if (beat !== this.#beat) this.#aliveAt = now;
      this.#beat = beat;
    } catch {
      // Whoever cannot be asked about has not gone.
      this.#aliveAt = now;
    }
    return now - this.#aliveAt >= GONE_MS || now - this.#heardAt >= KEPT_MS;
  }

  /** Until the next look; at once when this process says something, or nobody listens any more. */
  #pause(): Promise<void> {
    const { clock, events, over } = this.#options;
    return new Promise((resolve) => {
      let releases: (() => void)[] = [];
      const wake = () => {
        for (const release of releases) release();
        resolve();
      };
      releases = [
        clock.schedule(LOOK_MS, wake),
        events.subscribe(wake),
        onAbort(over, wake),
        onAbort(this.#left.signal, wake),
      ];
    });
  }
}
