/** How many are made in one transaction: while it is written nothing else is done. */
const MOST_AT_ONCE = 64;

/** A write that waits, and whoever waits for it. */
interface Waiting {
  work: () => void;
  takeBack: () => void;
  written: () => void;
  refused: (error: unknown) => void;
}

/** Makes something all or nothing, on disk when it returns; see `Connection.transaction`. */
type Commit = (work: () => void, takeBack: () => void) => void;

/**
 * Writes of one turn of the event loop, in one transaction: what is synced to disk costs the same
 * for one as for many. Each comes to the end that it would have come to alone, and one that is alone
 * waits for nothing.
 */
export class GroupedWrites {
  readonly #commit: Commit;
  readonly #waiting: Waiting[] = [];
  /** How many have come in this turn, if it is not over. */
  #come = 0;
  /** Whether several came in the last one: more will. */
  #isBusy = false;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  /**
   * @param work must not wait for anything. Made again if what was written with it is refused, and
   *   of what it did the first time nothing is left in the database.
   * @param takeBack undoes it, where that is asked for.
   * @returns once it is on disk. @throws what `work` throws, or what keeps it from being written
   */
  run<T>(work: () => T, takeBack: (result: T) => void = () => {}): Promise<T> {
    return new Promise((resolve, refused) => {
      let results: T[] = [];
      this.#waiting.push({
        work: () => {
          results = [work()];
        },
        takeBack: () => results.forEach(takeBack),
        written: () => results.forEach(resolve),
        refused,
      });
      this.#come++;
      if (this.#come > 1) return;
      setImmediate(() => this.#endTurn());
      if (!this.#isBusy) this.flush();
    });
  }

  /** Writes all that waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#write(this.#waiting.splice(0, MOST_AT_ONCE));
  }

  #endTurn(): void {
    const writes = this.#waiting.splice(0, MOST_AT_ONCE);
    this.#isBusy = this.#come > 1;
    this.#come = this.#waiting.length;
    if (this.#come > 0) setImmediate(() => this.#endTurn());
    if (writes.length > 0) this.#write(writes);
  }

  #write(writes: readonly Waiting[]): void {
    let isAllMade = false;
    const work = () => {
      for (const write of writes) write.work();
      isAllMade = true;
    };
    const takeBack = () => {
      for (const write of writes) write.takeBack();
    };
    try {
      this.#commit(work, takeBack);
    } catch (error) {
      // One that must not be is no reason against the others.
      const isOneRefused = !isAllMade && writes.length > 1;
      for (const write of writes) {
        if (isOneRefused) this.#write([write]);
        else write.refused(error);
      }
      return;
    }
    for (const write of writes) write.written();
  }
}
