import { seesJob } from "../tools/scopes.ts";
import type { Visit } from "./visit.ts";

/** Proxies end what is silent for a minute. */
const BEAT_MS = 25_000;
/** One browser asks for one at a time, and lets it go when nobody looks. */
const MAX_STREAMS_OF_OWNER = 16;
const RETRY_MS = 3_000;

/** News of somebody's jobs as they happen, as server-sent events: ids and states, no words. */
export class Live {
  readonly #open = new Map<string, Set<() => void>>();
  readonly #stopping: AbortSignal;

  /** @param stopping aborts when the server is asked to end, and with it all streams. */
  constructor(stopping: AbortSignal) {
    this.#stopping = stopping;
    stopping.addEventListener("abort", () => {
      for (const own of this.#open.values()) for (const end of own) end();
    });
  }

  /** Goes on until the browser leaves, the session ends or the server does. */
  answer(visit: Visit): void {
    const { response, caller, parts, isStream } = visit;
    const { owner } = caller;
    const { events, clock } = parts;
    const own = this.#open.get(owner) ?? new Set();
    this.#open.set(owner, own);
    if (own.size >= MAX_STREAMS_OF_OWNER) [...own][0]?.();
    isStream();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = (event: string, data: object) => {
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    response.write(`retry: ${RETRY_MS}\n\n`);
    const stopJobs = events.subscribe(owner, (job) => {
      if (seesJob(caller, job)) write("job", { job: job.jobId, state: job.state });
    });
    const stopDeletions = events.subscribeToDeletions(owner, ({ jobId }) => {
      write("gone", { job: jobId });
    });
    let callOff = () => {};
    const beat = () => {
      response.write(":\n\n");
      callOff = clock.schedule(BEAT_MS, beat);
    };
    callOff = clock.schedule(BEAT_MS, beat);
    const end = () => response.end();
    const over = () => {
      callOff();
      stopJobs();
      stopDeletions();
      own.delete(end);
      if (own.size === 0 && this.#open.get(owner) === own) this.#open.delete(owner);
    };
    own.add(end);
    response.once("close", over);
    if (this.#stopping.aborted) end();
  }
}
