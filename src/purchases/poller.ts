import TinyQueue from "tinyqueue";
import type { Clock } from "../core/clock.ts";
import { FairGate } from "../core/fair-gate.ts";
import type { Job } from "../jobs/job.ts";

/**
 * Of all owners; one alone gets 104. A place is free again no sooner than with the next round, so
 * that this is also how many looks a tenth of a second has: one owner's ten thousand jobs are looked
 * at every ten seconds, as they are when they are few, and more of them less often.
 */
const MAX_CONCURRENT_LOOKS = 117;
/**
 * The least time between two rounds of looks, in milliseconds. Of many jobs one is due at any
 * moment, and waking up for each takes more than the look itself: those of a tenth of a second are
 * looked at together. A job that is alone waits for nothing.
 */
const ROUND_MS = 100;

interface Entry {
  jobId: string;
  owner: string;
  /** A moment of {@link Clock.elapsed}. */
  at: number;
}

/** What is done with a job that is due. */
export interface Looking {
  /** Looks at one job, never throws. @returns ms until the next look, if any. */
  look: (jobId: string) => Promise<number | undefined>;
  /** Whether somebody says that there is something to see: of its owner's jobs it comes first. */
  isUrgent: (jobId: string) => boolean;
}

/**
 * The only polling loop: one timer for all jobs, whatever their number. It knows when a job is due
 * and whose it is, and lets owners look by turns where more is due than can be looked at; what a
 * look is and when the next one comes is the caller's business.
 */
export class Poller {
  readonly #clock: Clock;
  readonly #looking: Looking;
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.at - b.at);
  /** The entry that counts for each job; older ones in the queue are void. */
  readonly #current = new Map<string, Entry>();
  readonly #gate = new FairGate(MAX_CONCURRENT_LOOKS);
  /** How many are due and wait for their turn. */
  #waiting = 0;
  /** Whose looks of this round are over. */
  #over: string[] = [];
  #callOff: (() => void) | undefined;
  /** When the timer rings, if there is one. */
  #ringsAt = 0;
  readonly #roundMs: number;
  /** When the next round may begin. */
  #nextRoundAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  /** @param timeScale 1 for the real gateway; smaller for a loopback base that runs faster. */
  constructor(clock: Clock, looking: Looking, timeScale: number) {
    this.#clock = clock;
    this.#looking = looking;
    this.#roundMs = ROUND_MS * timeScale;
  }

  get size(): number {
    return this.#current.size;
  }

  /** Looks at the job in `inMs`, in 0 without waiting for a round; replaces an earlier plan for it. */
  plan({ jobId, owner }: Pick<Job, "jobId" | "owner">, inMs: number): void {
    if (this.#stopped) return;
    const entry = { jobId, owner, at: 0 };
    this.#current.set(jobId, entry);
    this.#enqueue(entry, inMs);
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
    if (this.#stopped) return;
    let next = this.#queue.peek();
    while (next && !this.#counts(next)) {
      this.#queue.pop();
      next = this.#queue.peek();
    }
    if (this.#waiting > 0 && this.#over.length > 0) this.#ringAt(this.#nextRoundAt);
    else if (next) this.#ringAt(Math.max(next.at, this.#nextRoundAt));
  }

  #ringAt(at: number): void {
    // One that rings too early does no harm; a new one for each job would cost more than its look.
    if (this.#callOff && this.#ringsAt <= at) return;
    this.#callOff?.();
    this.#ringsAt = at;
    // A timer of whole milliseconds must not ring before, or it would have to ring again.
    const inMs = Math.max(0, Math.ceil(at - this.#clock.elapsed()));
    this.#callOff = this.#clock.schedule(inMs, () => {
      this.#callOff = undefined;
      this.#runDue();
    });
  }

  #runDue(): void {
    const now = this.#clock.elapsed();
    if (now >= this.#nextRoundAt) this.#beginRound(now);
    for (let next = this.#queue.peek(); next && next.at <= now; next = this.#queue.peek()) {
      this.#queue.pop();
      if (this.#counts(next)) this.#lineUp(next);
    }
    this.#arm();
  }

  #beginRound(now: number): void {
    // One that begins a little late leaves the next ones where they were.
    const lateMs = now - this.#nextRoundAt;
    this.#nextRoundAt = now + this.#roundMs - (lateMs < this.#roundMs ? lateMs : 0);
    const over = this.#over;
    this.#over = [];
    for (const owner of over) this.#gate.leave(owner);
  }

  #lineUp(due: Entry): void {
    this.#waiting++;
    const begin = () => {
      this.#waiting--;
      // It may have been planned anew while it waited for its turn.
      if (this.#counts(due)) this.#lookAt(due);
      else this.#gate.leave(due.owner);
    };
    this.#gate.enter(due.owner, begin, this.#looking.isUrgent(due.jobId));
  }

  #lookAt(entry: Entry): void {
    void this.#looking.look(entry.jobId).then((againMs) => {
      this.#over.push(entry.owner);
      if (this.#counts(entry)) {
        if (againMs === undefined) this.#current.delete(entry.jobId);
        else this.#enqueue(entry, againMs);
      }
      this.#arm();
    });
  }

  #enqueue(entry: Entry, inMs: number): void {
    entry.at = this.#clock.elapsed() + inMs;
    this.#queue.push(entry);
    if (inMs <= 0) this.#ringAt(entry.at);
  }

  #counts(entry: Entry): boolean {
    return this.#current.get(entry.jobId) === entry;
  }
}
