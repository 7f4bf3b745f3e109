/** Keeps calls for the same thing from overlapping: each begins when the one before is over. */
export class OneByOne {
  /** The last one that has its turn or waits for it, by what it is for. */
  readonly #last = new Map<string, Promise<void>>();

  /** Waits until all earlier ones are over. @returns what says that this one is. */
  async enter(key: string): Promise<() => void> {
    const before = this.#last.get(key);
    let leave = () => {};
    const mine = new Promise<void>((resolve) => {
      leave = () => {
        if (this.#last.get(key) === mine) this.#last.delete(key);
        resolve();
      };
    });
    this.#last.set(key, mine);
    await before;
    return leave;
  }
}
