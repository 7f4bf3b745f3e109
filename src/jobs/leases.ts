import { DAY_MS } from "../core/clock.ts";
import { InTurn } from "../core/in-turn.ts";
import { Rounds } from "../core/rounds.ts";
import { removeDoomed } from "./doomed-files.ts";
import type { Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import type { JobKinds } from "./job-kind.ts";
import type { Quotas } from "./quotas.ts";

/** How soon a process is taken for gone, in milliseconds. */
export interface LeaseTimes {
  /** A holder that shows no life for so long has lost its jobs. */
  leaseMs: number;
  /** So often it shows that it lives, and looks for jobs of others that do not. */
  beatMs: number;
  /** A longer pause between two rounds is our own: this process was stopped, or its disk was full. */
  longestRoundMs: number;
  /** So often it looks at what others have changed, whether or not it hears of it. */
  watchMs: number;
}

/** On one machine most of those that are gone are known to be by their process. */
export const LOCAL_LEASE_TIMES: LeaseTimes = {
  ...{ leaseMs: 30_000, beatMs: 10_000, longestRoundMs: 20_000, watchMs: 500 },
};
/** Of machines nothing is known but what they say: their jobs move within fifteen seconds. */
export const SHARED_LEASE_TIMES: LeaseTimes = {
  ...{ leaseMs: 10_000, beatMs: 2_000, longestRoundMs: 6_000, watchMs: 1_000 },
};
const TIDY_MS = 10_000;

export interface LeaseContext extends JobContext {
  kinds: JobKinds;
  /** After how many days ended jobs are forgotten; never when absent. */
  keepJobsDays: number | undefined;
  /** What each of several users may have at a time. */
  quotas?: Quotas;
  /** Tells owners apart whose requests the provider tells apart; absent: all have one key. */
  accountOf?: (owner: string) => string;
  /** Removes a finished file of an owner's, if it is still there. @throws {storage} */
  removeFile: (owner: string, ref: string) => Promise<void>;
  /** Those of one machine when absent. */
  leaseTimes?: LeaseTimes;
  /**
   * Calls a listener when others may have changed something, as soon as that is heard of: a hint,
   * which may be missing. @returns what ends that.
   */
  onHint?: ((listener: () => void) => () => void) | undefined;
  /** Whether the process that a lease names has ended. */
  isGone: (holder: string) => boolean;
}

/** Who does something with the jobs that change hands. */
export interface Takers {
  /** Goes on with a job whose process is gone, in its own time. */
  recover(job: Job): void;
  /** Lets go of all jobs but these, because others hold them now. */
  keepOnly(jobIds: ReadonlySet<string>): void;
}

/**
 * Shares jobs with other processes on the same data folder: each is followed by one, and taken over
 * when that one is gone. Whether a process lives is told by its beat as our own steady clock sees
 * it, so neither a clock that is set nor a machine that sleeps confuses it. Time in which we did not
 * run ourselves is not held against others.
 */
export class Leases {
  readonly #context: LeaseContext;
  readonly #takers: Takers;
  readonly #times: LeaseTimes;
  readonly #rounds: Rounds;
  #stopHearing = () => {};
  /** When each other holder was last seen to change its beat. */
  readonly #seenAlive = new Map<string, { beat: number; at: number }>();
  readonly #watching = new InTurn(() => this.#watchOthers());
  #roundAt = 0;

  constructor(context: LeaseContext, takers: Takers) {
    this.#context = context;
    this.#takers = takers;
    this.#times = context.leaseTimes ?? LOCAL_LEASE_TIMES;
    const { clock, log } = context;
    this.#rounds = new Rounds(clock, (error) => log.error({ err: error }, "housekeeping failed"));
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    await this.#rounds.every(DAY_MS, () => this.#keepHouse());
    await this.#rounds.every(this.#times.beatMs, () => this.#round());
    await this.#rounds.every(TIDY_MS, () => this.#tidy());
    await this.#rounds.every(this.#times.watchMs, () => this.#watching.run());
    const { onHint = () => () => {} } = this.#context;
    // What fails then is looked at again with the next round, which tells of it.
    this.#stopHearing = onHint(() => void this.#watching.run().catch(() => undefined));
  }

  /** Shows no life any more; until then nobody takes what is still in flight for lost. */
  close(): void {
    this.#stopHearing();
    this.#rounds.end();
  }

  async #round(): Promise<void> {
    const now = this.#context.clock.elapsed();
    if (now - this.#roundAt > this.#times.longestRoundMs) this.#seenAlive.clear();
    this.#roundAt = now;
    try {
      await this.#holdOn();
      if (!this.#context.stopping.aborted) await this.#takeOver();
    } catch (error) {
      // What we cannot write, others cannot write either: they are given a whole lease again.
      this.#seenAlive.clear();
      throw error;
    }
  }

  /** Shows that this process is alive, and hears what others have taken over meanwhile. */
  async #holdOn(): Promise<void> {
    const { store, holder } = this.#context;
    const held = await store.beat(holder, this.#seenAlive.size > 0);
    if (held) this.#takers.keepOnly(new Set(held));
  }

  async #takeOver(): Promise<void> {
    const { store, clock, isGone, holder, kinds } = this.#context;
    const base = kinds.other.recoversAt;
    const named = kinds.named.flatMap(({ operations }) => operations);
    const now = clock.elapsed();
    const others = await store.otherHolders(holder, base, named);
    const holders = new Set(others.map((other) => other.holder));
    for (const seen of this.#seenAlive.keys()) {
      if (!holders.has(seen)) this.#seenAlive.delete(seen);
    }
    const gone = others.filter((other) => {
      const seen = this.#seenAlive.get(other.holder);
      // Whoever takes from one that is gone leaves no beat of it: no sign of life.
      if (!seen || (seen.beat !== other.beat && other.beat > 0)) {
        this.#seenAlive.set(other.holder, { beat: other.beat, at: now });
        return isGone(other.holder);
      }
      return isGone(other.holder) || now - seen.at >= this.#times.leaseMs;
    });
    for (const other of gone) this.#seenAlive.delete(other.holder);
    const names = gone.map((other) => other.holder);
    for (;;) {
      const jobs = await store.takeOver(holder, names, base, named);
      if (jobs.length === 0) break;
      for (const job of jobs) this.#takers.recover(job);
      // Of ten thousand jobs no call waits for more than the next few.
      await new Promise(setImmediate);
    }
  }

  /** Passes on what other processes on the same data folder have changed. */
  async #watchOthers(): Promise<void> {
    const { store, events } = this.#context;
    for (const job of await store.changes()) events.publish(job);
    for (const deleted of await store.deletions()) events.publishDeletion(deleted);
  }

  async #keepHouse(): Promise<void> {
    const { keepJobsDays, store, clock, removeFile, log } = this.#context;
    if (keepJobsDays !== undefined) await store.forget(keepJobsDays, clock.now());
    for (const { file, error } of await removeDoomed(store, removeFile)) {
      log.warn({ job: file.jobId, err: error }, "a file of a deleted job cannot be removed");
    }
  }

  async #tidy(): Promise<void> {
    const { store, clock } = this.#context;
    await store.forgetDuplicates(clock.now());
  }
}
