import { type Clock, HOUR_MS } from "../core/clock.ts";

/** So many webhooks that led to an end, within {@link WITHIN_MS}, show that they come. */
const ENOUGH = 3;
const WITHIN_MS = HOUR_MS;

/**
 * Whether the webhooks of a provider's base are known to come. It is learned anew by every process,
 * so that a start never relies on what was true before.
 */
export class WebhookTrust {
  readonly #clock: Clock;
  #told: number[] = [];
  #isEarned = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEarned(): boolean {
    return this.#isEarned;
  }

  /** A webhook has led to the end of a job. */
  told(): void {
    const now = this.#clock.elapsed();
    this.#told = [...this.#told, now].slice(-ENOUGH);
    const [first = now] = this.#told;
    if (this.#told.length === ENOUGH && now - first <= WITHIN_MS) this.#isEarned = true;
  }

  /**
   * An end that a webhook should have told was found by looking alone.
   * @returns whether webhooks were relied on until now.
   */
  missed(): boolean {
    const wasEarned = this.#isEarned;
    this.#told = [];
    this.#isEarned = false;
    return wasEarned;
  }
}
