import TinyQueue from "tinyqueue";
import type { Clock } from "../core/clock.ts";

const MAX_CONCURRENT_LOOKS = 96;

interface Entry {
  jobId: string;
  at: number;
}

/**
 * The only polling loop: one timer for all jobs, whatever their number. It knows when a job is due
 * and nothing else; what a look is and when the next one comes is the caller's business.
 */
export class Poller {
  readonly #clock: Clock;
  readonly #look: (jobId: string) => Promise<number | undefined>;
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.at - b.at);
  /** The entry that counts for each job; older ones in the queue are void. */
  readonly #current = new Map<string, Entry>();
  #looking = 0;
  #callOff: (() => void) | undefined;
  #stopped = false;

  /** @param look looks at one job, never throws. @returns ms until the next look, if any. */
  constructor(clock: Clock, look: (jobId: string) => Promise<number | undefined>) {
    this.#clock = clock;
    this.#look = look;
  }

  get size(): number {
    return this.#current.size;
  }

  /** Looks at the job in `inMs`; replaces an earlier plan for it. */
  plan(jobId: string, inMs: number): void {
    if (this.#stopped) return;
    const entry = { jobId, at: this.#clock.elapsed() + inMs };
    this.#current.set(jobId, entry);
    this.#queue.push(entry);
    this.#arm();
  }

  forget(jobId: string): void {
    this.#current.delete(jobId);
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
    this.#current.clear();
  }

  #arm(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#stopped || this.#looking >= MAX_CONCURRENT_LOOKS) return;
    for (let next = this.#queue.peek(); next; next = this.#queue.peek()) {
      if (this.#current.get(next.jobId) === next) {
        const wait = Math.max(0, next.at - this.#clock.elapsed());
        this.#callOff = this.#clock.schedule(wait, () => this.#runDue());
        return;
      }
      this.#queue.pop();
    }
  }

  #runDue(): void {
    const now = this.#clock.elapsed();
    while (this.#looking < MAX_CONCURRENT_LOOKS) {
      const next = this.#queue.peek();
      if (!next || next.at > now) break;
      this.#queue.pop();
      if (this.#current.get(next.jobId) !== next) continue;
      this.#looking++;
      void this.#look(next.jobId).then((again) => {
        this.#looking--;
        if (this.#current.get(next.jobId) === next) {
          if (again === undefined) this.#current.delete(next.jobId);
          else this.plan(next.jobId, again);
        }
        this.#arm();
      });
    }
    this.#arm();
  }
}
