/**
 * How many times what is free one owner may hold. Of a gate that is not used by others, that is all
 * but a ninth; the more owners use it, the less each may hold, and a little is always free for one
 * who comes with nothing: so that whoever fills a gate holds up nobody else, however long the work
 * inside takes.
 */
const SHARE_OF_FREE = 8;

/** What one owner has inside, and what waits, in the order it came. */
interface Line {
  inside: number;
  waiting: (() => void)[];
  /** When something of it was let in last, in turns. */
  servedAt: number;
}

/**
 * Lets work of several owners in, some at a time: next is always work of the one who has the least
 * inside. An owner alone has room for eight ninths of the limit.
 */
export class FairGate {
  readonly #limit: number;
  readonly #lines = new Map<string, Line>();
  #inside = 0;
  #turns = 0;

  /** @param limit how much may be inside at a time, of all owners together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lineOf(owner);
    await new Promise<void>((enter) => {
      line.waiting.push(enter);
      this.#admit();
    });
    try {
      return await work();
    } finally {
      line.inside--;
      this.#inside--;
      if (line.inside === 0 && line.waiting.length === 0) this.#lines.delete(owner);
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      next.inside++;
      this.#inside++;
      next.servedAt = ++this.#turns;
      next.waiting.shift()?.();
    }
  }

  /** Who is next: of those with the least inside, the one that was let in longest ago. */
  #next(): Line | undefined {
    const most = SHARE_OF_FREE * (this.#limit - this.#inside);
    let next: Line | undefined;
    for (const line of this.#lines.values()) {
      if (line.waiting.length === 0 || line.inside >= most) continue;
      const isBefore =
        next === undefined ||
        line.inside < next.inside ||
        (line.inside === next.inside && line.servedAt < next.servedAt);
      if (isBefore) next = line;
    }
    return next;
  }

  #lineOf(owner: string): Line {
    const line = this.#lines.get(owner) ?? { inside: 0, waiting: [], servedAt: 0 };
    this.#lines.set(owner, line);
    return line;
  }
}
