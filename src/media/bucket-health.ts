import { type Clock, HOUR_MS } from "../core/clock.ts";
import type { AppError } from "../core/errors.ts";

/** How long a bucket that has answered counts as one that answers. */
const GOOD_MS = 5_000;
/** A write that fails is tried again sooner than that, and says so again. */
const FAILING_MS = 15_000;
/** Some servers never take what others do. */
const MAX_DISTRUST_MS = HOUR_MS;

/** What is known of a bucket by what has become of it lately. */
export class BucketHealth {
  readonly #clock: Pick<Clock, "elapsed">;
  #goodAt: number | undefined;
  #failing: { error: AppError; at: number } | undefined;
  #failedAt: number | undefined;
  #distrustMs = FAILING_MS;

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

  /**
   * Whether a file may be sent that cannot be sent again without fetching it again: no write has
   * failed lately, and none of that kind for the longer, the more often it has.
   */
  get isReliable(): boolean {
    return (
      this.#failedAt === undefined || this.#clock.elapsed() - this.#failedAt >= this.#distrustMs
    );
  }

  answered(): void {
    this.#goodAt = this.#clock.elapsed();
  }

  written(): void {
    this.#failing = undefined;
  }

  /** A file was written that could not have been sent again. */
  passed(): void {
    this.written();
    this.#distrustMs = FAILING_MS;
  }

  /** What could not be sent again was not written. */
  broke(error: AppError): void {
    // Many that break at once are one reason.
    if (this.isReliable) this.#distrustMs = Math.min(MAX_DISTRUST_MS, this.#distrustMs * 2);
    this.failed(error, false);
  }

  /** @param isAgain whether the same write has failed before. */
  failed(error: AppError, isAgain: boolean): void {
    this.#goodAt = undefined;
    this.#failedAt = this.#clock.elapsed();
    if (isAgain) this.#failing = { error, at: this.#clock.elapsed() };
  }
}
