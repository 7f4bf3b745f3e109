import type { Clock } from "../../src/core/clock.ts";

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;
  #timers = new Set<{ at: number; run: () => void }>();

  constructor(now = Date.parse("2026-11-20T12:00:00Z")) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  schedule(ms: number, run: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Sets the clock without running timers, as a user or NTP would. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass without running timers, as a machine that sleeps does. */
  sleep(ms: number): void {
    this.#moveTo(this.#elapsed + ms);
  }

  /** Moves on by `ms`, running what is due in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#moveTo(Math.max(this.#elapsed, due.at));
      due.run();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }

  get pending(): number {
    return this.#timers.size;
  }
}

/** Lets pending promises and I/O callbacks run. */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
