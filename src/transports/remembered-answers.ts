import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { aroundId, type MarkOf, type Question, questionOf } from "./questions.ts";

/** More ways to ask than any client has. */
const MOST_REMEMBERED = 16;

/** The bytes of an answer around the id of its request. */
interface Remembered {
  mark: Question["mark"];
  before: Buffer;
  after: Buffer;
}

/**
 * Answers of one connection that stay as they are. Assistants list the tools again and again: the
 * library checks and writes that answer once, and the same question gets the same bytes from then on.
 */
export class RememberedAnswers {
  readonly #markOf: MarkOf;
  readonly #asked = new Map<RequestId, Question>();
  readonly #answers = new Map<string, Remembered>();

  /** @param markOf what the answer to a request of this connection depends on */
  constructor(markOf: MarkOf) {
    this.#markOf = markOf;
  }

  /** The line that answers a message, if the same has been asked and answered before. */
  lineFor(message: unknown): Buffer | undefined {
    const question = questionOf(message, this.#markOf);
    if (!question) return undefined;
    const known = this.#answers.get(question.text);
    if (known?.mark === question.mark) {
      return Buffer.concat([known.before, Buffer.from(JSON.stringify(question.id)), known.after]);
    }
    if (this.#asked.size < MOST_REMEMBERED) this.#asked.set(question.id, question);
    return undefined;
  }

  /** Whose answer is the next one of this id cannot be told any more. */
  forget(id: RequestId): void {
    this.#asked.delete(id);
  }

  /**
   * Remembers an answer, if it is one that stays.
   * @param line as it is written, without its end
   */
  learn(answer: JSONRPCMessage, line: string): void {
    if ("method" in answer || answer.id === undefined) return;
    const question = this.#asked.get(answer.id);
    if (!question) return;
    this.#asked.delete(answer.id);
    // What it depends on may have changed while it was made.
    const around = question.isCurrent() ? aroundId(line, answer.id) : undefined;
    if (!around) return;
    const [before, after] = around;
    const { mark, text } = question;
    this.#answers.set(text, {
      mark,
      before: Buffer.from(before),
      after: Buffer.from(`${after}\n`),
    });
    // Where every request differs, the oldest are of no more use than the newest.
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size > MOST_REMEMBERED) this.#answers.delete(oldest);
  }
}
