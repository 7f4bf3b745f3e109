import { type Clock, HOUR_MS } from "../core/clock.ts";
import { Agreements } from "./agreements.ts";
import { AskedCall, type CallToAsk } from "./asked-call.ts";
import { ForAWhile } from "./for-a-while.ts";
import { OpenQuestions } from "./open-questions.ts";
import type { QuestionRecord } from "./question-record.ts";
import { SignedStates } from "./signed-state.ts";
import type { Way } from "./way.ts";

/** How long a "no" to a purchase makes the same purchase a question, and nobody is offered the same. */
const REMEMBERED_MS = HOUR_MS;

export interface QuestionsOptions {
  clock: Clock;
  /** How long a question waits for its answer, in milliseconds. */
  waitMs: number;
  /** Hears what was agreed to for ever. @param key of the question. */
  keep: (key: string, chosen: string) => Promise<void>;
  /** Opened when a question is sent away, or comes back. */
  record: () => Promise<QuestionRecord>;
}

/**
 * What all calls share that ask the user something. What is being asked and was turned down lives as
 * long as the process; what was sent away is good in every process that has the record.
 */
export class Questions {
  readonly agreements = new Agreements();
  readonly #options: QuestionsOptions;
  readonly #states: SignedStates;
  readonly #open: OpenQuestions;
  readonly #turnedDown: ForAWhile;
  readonly #offered: ForAWhile;

  constructor(options: QuestionsOptions) {
    const { clock, record } = options;
    this.#options = options;
    this.#states = new SignedStates(async () => (await record()).secret());
    this.#open = new OpenQuestions(clock);
    this.#turnedDown = new ForAWhile(clock, REMEMBERED_MS);
    this.#offered = new ForAWhile(clock, REMEMBERED_MS);
  }

  /** A call whose user can be asked, in the way of its client. @throws {storage} */
  of(call: CallToAsk, way: Way): Promise<AskedCall> {
    return AskedCall.begin(call, way, {
      ...this.#options,
      agreements: this.agreements,
      states: this.#states,
      open: this.#open,
      turnedDown: this.#turnedDown,
      offered: this.#offered,
    });
  }
}
