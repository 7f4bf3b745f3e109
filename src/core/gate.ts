/**
 * Lets work in for as long as its weight and that of all that is inside stay within a limit; the
 * rest waits in the order it came.
 */
export class Gate {
  readonly #limit: number;
  readonly #waiting: { weight: number; enter: () => void }[] = [];
  #inside = 0;

  /** @param limit in the unit of the weights. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param weight what exceeds the limit counts as the limit, and is then alone inside. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const counted = Math.min(Math.max(weight, 0), this.#limit);
    await this.#enter(counted);
    try {
      return await work();
    } finally {
      this.#inside -= counted;
      this.#admit();
    }
  }

  #enter(weight: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ weight, enter });
      this.#admit();
    });
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (!next || this.#inside + next.weight > this.#limit) return;
      this.#waiting.shift();
      this.#inside += next.weight;
      next.enter();
    }
  }
}
