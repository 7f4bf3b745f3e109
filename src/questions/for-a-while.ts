import type { Clock } from "../core/clock.ts";

/** Names that are remembered for a while. */
export class ForAWhile {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  has(name: string): boolean {
    return (this.#until.get(name) ?? 0) > this.#clock.elapsed();
  }

  add(name: string): void {
    const now = this.#clock.elapsed();
    // The oldest come first.
    for (const [old, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(old);
    }
    this.#until.delete(name);
    this.#until.set(name, now + this.#forMs);
  }

  delete(name: string): void {
    this.#until.delete(name);
  }
}
