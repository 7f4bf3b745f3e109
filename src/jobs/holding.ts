import type { JobContext } from "./context.ts";
import type { Job } from "./job.ts";

/** A holder that shows no life for so long has lost its jobs. */
const LEASE_MS = 30_000;
const BEAT_MS = 10_000;
const WATCH_MS = 500;
const DAY_MS = 86_400_000;

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
 * it, so neither a clock that is set nor a machine that sleeps confuses it.
 */
export class Holding {
  readonly #context: JobContext;
  readonly #takers: Takers;
  /** Ends the timers. */
  readonly #rounds: (() => void)[] = [];
  /** When each other holder was last seen to change its beat. */
  readonly #seenAlive = new Map<string, { beat: number; at: number }>();

  constructor(context: JobContext, takers: Takers) {
    this.#context = context;
    this.#takers = takers;
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    await this.#every(DAY_MS, () => this.#keepHouse());
    await this.#every(BEAT_MS, async () => {
      await this.#holdOn();
      await this.#takeOver();
    });
    await this.#every(WATCH_MS, () => this.#watchOthers());
  }

  close(): void {
    for (const end of this.#rounds) end();
  }

  /** Shows that this process is alive, and hears what others have taken over meanwhile. */
  async #holdOn(): Promise<void> {
    this.#takers.keepOnly(new Set(await this.#context.store.beat(this.#context.holder)));
  }

  async #takeOver(): Promise<void> {
    const { store, clock, isGone, baseUrl, baseIsEphemeral, holder, works } = this.#context;
    const base = baseIsEphemeral ? undefined : baseUrl;
    const kinds = [...works.keys()];
    const now = clock.elapsed();
    const gone = (await store.otherHolders(holder, base, kinds)).filter((other) => {
      const seen = this.#seenAlive.get(other.holder);
      if (!seen || seen.beat !== other.beat) {
        this.#seenAlive.set(other.holder, { beat: other.beat, at: now });
        return isGone(other.holder);
      }
      return isGone(other.holder) || now - seen.at >= LEASE_MS;
    });
    for (const other of gone) this.#seenAlive.delete(other.holder);
    const names = gone.map((other) => other.holder);
    for (;;) {
      const jobs = await store.takeOver(holder, names, base, kinds);
      if (jobs.length === 0) break;
      for (const job of jobs) this.#takers.recover(job);
    }
  }

  /** Passes on what other processes on the same data folder have changed. */
  async #watchOthers(): Promise<void> {
    for (const job of await this.#context.store.changes()) this.#context.events.publish(job);
  }

  async #keepHouse(): Promise<void> {
    const { keepJobsDays, store, clock } = this.#context;
    if (keepJobsDays !== undefined) await store.forget(keepJobsDays, clock.now());
  }

  /**
   * Does something now and again and again until the end. A failure is logged and the next try
   * comes: on a full disk, what is there can still be read.
   */
  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    const { clock, log, stopping } = this.#context;
    const slot = this.#rounds.length;
    const run = async () => {
      try {
        await work();
      } catch (error) {
        log.error({ err: error }, "housekeeping failed");
      }
      if (!stopping.aborted) this.#rounds[slot] = clock.schedule(ms, run);
    };
    this.#rounds.push(() => {});
    await run();
  }
}
