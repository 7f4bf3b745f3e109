/**
 * Work that is done again and again, never twice at a time: whoever wants it while it is under way
 * gets the next turn, together with all others who want it then.
 */
export class InTurn<T = void> {
  readonly #work: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** @returns what a turn comes to that begins now or later. @throws what that turn throws. */
  run(): Promise<T> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

/** As {@link InTurn}, apart for everything that is named. */
export class InTurns<T = void> {
  readonly #work: (name: string) => Promise<T>;
  readonly #turns = new Map<string, { turn: InTurn<T>; waiting: number }>();

  constructor(work: (name: string) => Promise<T>) {
    this.#work = work;
  }

  /** @returns what a turn comes to that begins now or later. @throws what that turn throws. */
  async run(name: string): Promise<T> {
    const one = this.#turns.get(name) ?? { turn: new InTurn(() => this.#work(name)), waiting: 0 };
    this.#turns.set(name, one);
    one.waiting++;
    try {
      return await one.turn.run();
    } finally {
      one.waiting--;
      if (one.waiting === 0) this.#turns.delete(name);
    }
  }
}
