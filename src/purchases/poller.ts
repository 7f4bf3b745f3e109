import TinyQueue from "tinyqueue";
import type { Clock } from "../core/clock.ts";
import { FairGate } from "../core/fair-gate.ts";
import type { Job } from "../jobs/job.ts";

/** Of all owners; one alone gets 96. */
const MAX_CONCURRENT_LOOKS = 108;
/**
 * The least time between two rounds of looks, in milliseconds. Of many jobs one is due at any
 * moment, and waking up for each takes more than the look itself: those of a tenth of a second are
 * looked at together. A job that is alone waits for nothing.
 */
const ROUND_MS = 100;

interface Entry {
  jobId: string;
  owner: string;
  at: number;
}

/**
 * The only polling loop: one timer for all jobs, whatever their number. It knows when a job is due
 * and whose it is, and lets owners look by turns where more is due than can be looked at; what a
 * look is and when the next one comes is the caller's business.
 */
export class Poller {
  readonly #clock: Clock;
  readonly #look: (jobId: string) => Promise<number | undefined>;
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.at - b.at);
  /** The entry that counts for each job; older ones in the queue are void. */
  readonly #current = new Map<string, Entry>();
  readonly #gate = new FairGate(MAX_CONCURRENT_LOOKS);
  #callOff: (() => void) | undefined;
  /** When the timer rings, if there is one. */
  #ringsAt = 0;
  readonly #roundMs: number;
  /** When it may ring again. */
  #nextRoundAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  /**
   * @param look looks at one job, never throws. @returns ms until the next look, if any.
   * @param timeScale 1 for the real gateway; smaller for a loopback base that runs faster.
   */
  constructor(
    clock: Clock,
    look: (jobId: string) => Promise<number | undefined>,
    timeScale: number,
  ) {
    this.#clock = clock;
    this.#look = look;
    this.#roundMs = ROUND_MS * timeScale;
  }

  get size(): number {
    return this.#current.size;
  }

  /** Looks at the job in `inMs`, in 0 without waiting for a round; replaces an earlier plan for it. */
  plan({ jobId, owner }: Pick<Job, "jobId" | "owner">, inMs: number): void {
    if (this.#stopped) return;
    const entry = { jobId, owner, at: this.#clock.elapsed() + inMs };
    this.#current.set(jobId, entry);
    this.#queue.push(entry);
    if (inMs <= 0) this.#ringAt(entry.at);
    else this.#arm();
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
    if (this.#stopped) return;
    let next = this.#queue.peek();
    while (next && !this.#counts(next)) {
      this.#queue.pop();
      next = this.#queue.peek();
    }
    if (next) this.#ringAt(Math.max(next.at, this.#nextRoundAt));
  }

  #ringAt(at: number): void {
    // One that rings too early does no harm; a new one for each job would cost more than its look.
    if (this.#callOff && this.#ringsAt <= at) return;
    this.#callOff?.();
    this.#ringsAt = at;
    this.#callOff = this.#clock.schedule(Math.max(0, at - this.#clock.elapsed()), () => {
      this.#callOff = undefined;
      this.#runDue();
    });
  }

  #runDue(): void {
    const now = this.#clock.elapsed();
    this.#nextRoundAt = now + this.#roundMs;
    for (let next = this.#queue.peek(); next && next.at <= now; next = this.#queue.peek()) {
      this.#queue.pop();
      const due = next;
      if (this.#counts(due)) void this.#gate.run(due.owner, () => this.#lookAt(due));
    }
    this.#arm();
  }

  async #lookAt(entry: Entry): Promise<void> {
    // It may have been planned anew while it waited for its turn.
    if (!this.#counts(entry)) return;
    const again = await this.#look(entry.jobId);
    if (!this.#counts(entry)) return;
    if (again === undefined) this.#current.delete(entry.jobId);
    else this.plan(entry, again);
  }

  #counts(entry: Entry): boolean {
    return this.#current.get(entry.jobId) === entry;
  }
}
