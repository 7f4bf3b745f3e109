import { CONTEXT_CHARACTERS, type Redact } from "../core/redact.ts";
import { beginningOf, cleanText, oneLine, shortened } from "../core/text.ts";
import type { ChatDelta } from "./chat-delta.ts";

/** Longer than any name of a model and any reason to finish. */
const MAX_WORD_CHARACTERS = 100;

/** Makes what an answer brings safe to keep and to show, piece by piece. */
export class SafeDelta {
  readonly #redact: Redact;
  readonly #text: SafeText;
  readonly #reasoning: SafeText;

  constructor(redact: Redact) {
    this.#redact = redact;
    this.#text = new SafeText(redact);
    this.#reasoning = new SafeText(redact);
  }

  of(delta: ChatDelta): ChatDelta {
    return {
      ...delta,
      text: this.#text.add(delta.text),
      reasoning: this.#reasoning.add(delta.reasoning),
      model: this.#word(delta.model),
      finishReason: this.#word(delta.finishReason),
    };
  }

  /** What was held back and turns out to be harmless, now that nothing more comes. */
  rest(): ChatDelta | undefined {
    const [text, reasoning] = [this.#text.rest(), this.#reasoning.rest()];
    return text === "" && reasoning === "" ? undefined : { text, reasoning, done: false };
  }

  #word(word: string | undefined): string | undefined {
    if (word === undefined) return undefined;
    // Cleaned before it is searched for keys, and cut only after that: half a key is not found.
    const clean = this.#redact(oneLine(word, Number.POSITIVE_INFINITY));
    return shortened(clean, MAX_WORD_CHARACTERS) || undefined;
  }
}

/** Text that comes in pieces: what may be spread over two of them waits for the next. */
class SafeText {
  readonly #redact: Redact;
  /** Half a character, or what may be the beginning of a key. */
  #held = "";
  /** The last of what was let go. */
  #before = "";

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  add(piece: string): string {
    if (piece === "") return "";
    const text = this.#redact(cleanText(this.#held + piece));
    const open = this.#redact.openEnd(text, this.#before);
    const told = beginningOf(text, text.length - open);
    this.#held = text.slice(told.length);
    this.#before = `${this.#before}${told}`.slice(-CONTEXT_CHARACTERS);
    return told;
  }

  rest(): string {
    return beginningOf(this.#held, this.#held.length);
  }
}
