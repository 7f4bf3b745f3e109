import type { Clock } from "../core/clock.ts";
import { POLL_FLOOR_MS } from "../models/limits.ts";

/** After a webhook: how long until each further look, because a status may lag behind it. */
const FURTHER_LOOKS_MS = [2_000, 3_000];
/** How long after it more than now and then is looked. */
const FRESH_MS = 60_000;

/**
 * When a webhook has somebody look: at once, or two seconds after the last look that one has asked
 * for, and then twice more.
 */
export class Alert {
  readonly #clock: Clock;
  readonly #scale: number;
  #due: number | undefined;
  #lastAt: number | undefined;
  /** Pauses before the looks that are still to come. */
  #further: number[] = [];
  #isFurther = false;

  /** @param scale 1 for a real provider; smaller where a base on this machine runs faster. */
  constructor(clock: Clock, scale: number) {
    this.#clock = clock;
    this.#scale = scale;
  }

  /**
   * A webhook has come.
   * @param notBefore a moment of {@link Clock.elapsed} before which nobody may look.
   * @returns how long until the look that it asks for, in milliseconds; `undefined` where an
   *   earlier one has asked for one that is still to come.
   */
  ring(notBefore = 0): number | undefined {
    if (this.#due !== undefined) return undefined;
    const now = this.#clock.elapsed();
    const floor = (this.#lastAt ?? Number.NEGATIVE_INFINITY) + POLL_FLOOR_MS * this.#scale;
    this.#due = Math.max(now, floor, notBefore);
    return this.#due - now;
  }

  /** A look begins. @returns whether it is one that a webhook has asked for. */
  look(): boolean {
    const now = this.#clock.elapsed();
    const isFurther = this.#isFurther;
    this.#isFurther = false;
    if (this.#due === undefined || this.#due > now) return isFurther;
    this.#due = undefined;
    this.#lastAt = now;
    this.#further = [...FURTHER_LOOKS_MS];
    return true;
  }

  /** How long until the next look that it asks for, in milliseconds, if it does. */
  next(): number | undefined {
    if (this.#due !== undefined) return Math.max(0, this.#due - this.#clock.elapsed());
    const pause = this.#further.shift();
    this.#isFurther = pause !== undefined;
    return pause === undefined ? undefined : pause * this.#scale;
  }

  /** Whether the next look is one that it asks for. */
  get isOn(): boolean {
    return this.#due !== undefined || this.#isFurther;
  }

  /** Whether the last look that a webhook has asked for was a moment ago, or is still to come. */
  get isFresh(): boolean {
    if (this.#due !== undefined) return true;
    if (this.#lastAt === undefined) return false;
    return this.#clock.elapsed() - this.#lastAt < FRESH_MS * this.#scale;
  }
}
