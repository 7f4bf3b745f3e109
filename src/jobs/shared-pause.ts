import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { FairGate } from "../core/fair-gate.ts";

const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 60_000;
/** Nothing waits longer than that to be sent. */
const LONGEST_MS = 600_000;

/** How long to wait before the next try, in milliseconds, longer after each. @param tries so far */
export function backoffMs(tries: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
}

/** What is said of what waits: the provider's own words were about somebody else's. */
export function tooManyNow(): AppError {
  return new AppError(
    "rate_limited",
    "The provider takes no more requests at the moment (HTTP 429), so they are sent by turns.",
  );
}

/**
 * A pause that a provider wants of all who send with one key. When it is over one is let through,
 * and then two, and more and more for as long as what is sent is taken: whoever's turn it is.
 */
export class SharedPause {
  readonly #clock: Clock;
  readonly #gate = new FairGate(0);
  #room = 1;
  #tries = 0;
  #endsAt = 0;
  #callOff: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOn(): boolean {
    return this.#callOff !== undefined;
  }

  /** Begins it, or makes it longer where the provider says so. */
  begin(refusal: AppError, timeScale: number): void {
    // What was sent before it began says no more than what is known.
    const backoff = this.isOn ? 0 : backoffMs(this.#tries++) * timeScale;
    const ms = Math.min(LONGEST_MS, Math.max(refusal.retryAfterMs ?? 0, backoff));
    const endsAt = this.#clock.elapsed() + ms;
    if (this.isOn && endsAt <= this.#endsAt) return;
    this.#callOff?.();
    this.#endsAt = endsAt;
    this.#gate.setLimit(0);
    this.#callOff = this.#clock.schedule(ms, () => {
      this.#callOff = undefined;
      this.#room = 1;
      this.#gate.setLimit(this.#room);
    });
  }

  /** Hears that something was taken. @returns whether there is room for so many at a time again. */
  widen(enough: number): boolean {
    if (this.isOn) return false;
    this.#tries = 0;
    this.#gate.setLimit(++this.#room);
    return this.#room >= enough;
  }

  /** It has no end any more: nobody waits for it. */
  close(): void {
    this.#callOff?.();
  }

  /** Does something by turns, unless it has to leave before. */
  run<T>(leave: AbortSignal, owner: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.#gate.runUnless(leave, owner, work);
  }
}
