import type { Clock } from "../core/clock.ts";
import type { AppError } from "../core/errors.ts";

/** How long a bucket that has answered counts as one that answers. */
const GOOD_MS = 5_000;
/** A write that fails is tried again sooner than that, and says so again. */
const FAILING_MS = 15_000;

/** What is known of a bucket by what has become of it lately. */
export class BucketHealth {
  readonly #clock: Pick<Clock, "elapsed">;
  #goodAt: number | undefined;
  #failing: { error: AppError; at: number } | undefined;

  constructor(clock: Pick<Clock, "elapsed">) {
    this.#clock = clock;
  }

  /** Whether it need not be asked again. */
  get isGood(): boolean {
    return this.#goodAt !== undefined && this.#clock.elapsed() - this.#goodAt < GOOD_MS;
  }

  /**
   * Why nothing more is to be begun for it, though it may answer: it is full, for one, and what was
   * tried again has failed again.
   */
  get refusal(): AppError | undefined {
    const { error, at } = this.#failing ?? { at: 0 };
    return error && this.#clock.elapsed() - at < FAILING_MS ? error : undefined;
  }

  answered(): void {
    this.#goodAt = this.#clock.elapsed();
  }

  written(): void {
    this.#failing = undefined;
  }

  /** @param isAgain whether the same write has failed before. */
  failed(error: AppError, isAgain: boolean): void {
    this.#goodAt = undefined;
    if (isAgain) this.#failing = { error, at: this.#clock.elapsed() };
  }
}
