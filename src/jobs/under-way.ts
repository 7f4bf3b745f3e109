import { atMost, type Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { hashedOwner } from "../core/log-context.ts";
import type { Job } from "./job.ts";

/** What is done with jobs in this process at the moment. */
export class UnderWay {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #work = new Set<Promise<unknown>>();

  constructor({ log, clock }: { log: Log; clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Does something for a job; the lines of the log tell for which, and who began it if one did. */
  workOn({ jobId, owner }: Job, work: () => Promise<unknown>): void {
    const own = { job: jobId, owner: hashedOwner(owner) };
    const context = Object.assign({}, this.#log.context(), own);
    this.add(this.#log.within(context, work));
  }

  /** Does something that nobody waits for. */
  add(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => this.#log.error({ err: error }, "job work failed"))
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  /** Once all of it is over, or so many milliseconds have passed. */
  over(patienceMs: number): Promise<void> {
    return atMost(this.#clock, patienceMs, Promise.allSettled([...this.#work]));
  }
}
