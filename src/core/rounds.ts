import type { Clock } from "./clock.ts";

/** What is done now and again and again, until the end. */
export class Rounds {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #ends: (() => void)[] = [];
  #isOver = false;

  /** @param onError hears of a round that failed: on a full disk, what is there can still be read. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /**
   * Does something, and again so many milliseconds after it has come to its end, well or not.
   * @returns once it was done for the first time. Never fails.
   */
  async every(ms: number, work: () => Promise<void>): Promise<void> {
    const slot = this.#ends.push(() => {}) - 1;
    const run = async () => {
      try {
        await work();
      } catch (error) {
        this.#onError(error);
      }
      if (!this.#isOver) this.#ends[slot] = this.#clock.schedule(ms, run);
    };
    await run();
  }

  /** Begins no round any more; one that is under way comes to its end. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
  }
}
