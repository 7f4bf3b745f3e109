import { onAbort } from "./aborting.ts";
import { Fifo } from "./fifo.ts";

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
  waiting: Fifo<() => void>;
  /** When something of it was let in last, in turns. */
  servedAt: number;
}

/**
 * Lets work of several owners in, some at a time: next is always work of the one who has the least
 * inside. An owner alone has room for eight ninths of the limit.
 */
export class FairGate {
  #limit: number;
  readonly #lines = new Map<string, Line>();
  #inside = 0;
  #turns = 0;
  #isAdmitting = false;

  /** @param limit how much may be inside at a time, of all owners together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Changes how much may be inside; what is inside stays there, also if that is more. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#admit();
  }

  /**
   * Lets in what tells by {@link FairGate.leave} when it is over: many small things, for each of
   * which promises would cost more than it does itself.
   * @param begin called when its turn has come, which may be at once. Must not throw.
   * @param isUrgent before all else of its owner's.
   */
  enter(owner: string, begin: () => void, isUrgent = false): void {
    const { waiting } = this.#lineOf(owner);
    if (isUrgent) waiting.unshift(begin);
    else waiting.push(begin);
    this.#admit();
  }

  /** Something of an owner's that was let in is over. */
  leave(owner: string): void {
    const line = this.#lineOf(owner);
    line.inside--;
    this.#inside--;
    this.#tidy(owner, line);
    this.#admit();
  }

  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lineOf(owner);
    await this.#turn(line);
    return this.#inTurn(owner, work);
  }

  /**
   * Does what {@link FairGate.run} does, unless its turn does not come in time.
   * @param leave aborts when the work is not to be done any more.
   * @returns `undefined` where it was not done.
   */
  async runUnless<T>(
    leave: AbortSignal,
    owner: string,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    if (leave.aborted) return undefined;
    const line = this.#lineOf(owner);
    const isTurn = await this.#turn(line, leave);
    if (isTurn) return this.#inTurn(owner, work);
    this.#tidy(owner, line);
    return undefined;
  }

  /** @returns whether the turn has come; `false` for what has left before. */
  #turn(line: Line, leave?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const enter = () => {
        release();
        resolve(true);
      };
      const release = onAbort(leave, () => {
        line.waiting.remove(enter);
        resolve(false);
      });
      line.waiting.push(enter);
      this.#admit();
    });
  }

  async #inTurn<T>(owner: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.leave(owner);
    }
  }

  #tidy(owner: string, line: Line): void {
    if (line.inside === 0 && line.waiting.length === 0) this.#lines.delete(owner);
  }

  #admit(): void {
    // What is let in may be over at once, and lets the next one in here.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (let next = this.#next(); next; next = this.#next()) {
      next.inside++;
      this.#inside++;
      next.servedAt = ++this.#turns;
      next.waiting.shift()?.();
    }
    this.#isAdmitting = false;
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

  /** Who comes anew is treated as whoever was let in longest ago: neither before all nor after. */
  #lineOf(owner: string): Line {
    const known = this.#lines.get(owner);
    if (known) return known;
    const servedAt = Math.min(this.#turns, ...[...this.#lines.values()].map((one) => one.servedAt));
    const line = { inside: 0, waiting: new Fifo<() => void>(), servedAt };
    this.#lines.set(owner, line);
    return line;
  }
}
