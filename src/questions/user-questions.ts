import type { Clock } from "../core/clock.ts";
import { Agreements } from "./agreements.ts";
import { AskedCall, type CallToAsk } from "./asked-call.ts";
import { ForAWhile } from "./for-a-while.ts";
import { OpenQuestions } from "./open-questions.ts";
import { SignedStates } from "./signed-state.ts";
import type { Way } from "./way.ts";

/** How long a "no" to a purchase makes the same purchase a question. */
const TURNED_DOWN_MS = 3_600_000;

export interface QuestionsOptions {
  clock: Clock;
  /** How long a question waits for its answer, in milliseconds. */
  waitMs: number;
  /** Hears what was agreed to for ever. @param key of the question. */
  keep: (key: string, chosen: string) => Promise<void>;
}

/** What all calls share that ask the user something. It lives as long as the process. */
export class Questions {
  readonly agreements = new Agreements();
  readonly #options: QuestionsOptions;
  readonly #states = new SignedStates();
  readonly #open: OpenQuestions;
  readonly #used: ForAWhile;
  readonly #turnedDown: ForAWhile;

  constructor(options: QuestionsOptions) {
    const { clock, waitMs } = options;
    this.#options = options;
    this.#open = new OpenQuestions(clock);
    // A state that is too old is good for nothing anyway.
    this.#used = new ForAWhile(clock, 2 * waitMs);
    this.#turnedDown = new ForAWhile(clock, TURNED_DOWN_MS);
  }

  /** A call whose user can be asked, in the way of its client. */
  of(call: CallToAsk, way: Way): AskedCall {
    return new AskedCall(call, way, {
      ...this.#options,
      agreements: this.agreements,
      states: this.#states,
      open: this.#open,
      used: this.#used,
      turnedDown: this.#turnedDown,
    });
  }
}
