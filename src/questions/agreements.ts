import { AsyncLocalStorage } from "node:async_hooks";
import type { Agreed } from "../core/question.ts";

const NOTHING: Agreed = new Map();

/** What was agreed to for the call that is being answered, for what looks at places far below it. */
export class Agreements {
  readonly #calls = new AsyncLocalStorage<Agreed>();

  /** Runs what belongs to one call. */
  during<T>(agreed: Agreed, run: () => T): T {
    return this.#calls.run(agreed, run);
  }

  get current(): Agreed {
    return this.#calls.getStore() ?? NOTHING;
  }
}
