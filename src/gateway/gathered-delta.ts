import type { ChatDelta } from "./chat-delta.ts";

/**
 * What several events of an answer add, as one. A network brings many events in a piece when it
 * brings them fast: what is done with all of their words is then done once a piece, not once a word.
 */
export class GatheredDelta {
  #gathered: ChatDelta | undefined;

  add(delta: ChatDelta): void {
    this.#gathered = this.#gathered ? joined(this.#gathered, delta) : delta;
  }

  /** All since the last time; `undefined` if nothing has come. */
  take(): ChatDelta | undefined {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    return gathered;
  }
}

function joined(earlier: ChatDelta, later: ChatDelta): ChatDelta {
  return {
    text: earlier.text + later.text,
    reasoning: earlier.reasoning + later.reasoning,
    model: later.model ?? earlier.model,
    finishReason: later.finishReason ?? earlier.finishReason,
    // Anthropic's format counts what went in at the beginning, and 0 at the end.
    inputTokens: later.inputTokens || earlier.inputTokens,
    outputTokens: later.outputTokens ?? earlier.outputTokens,
    done: earlier.done || later.done,
    error: earlier.error ?? later.error,
  };
}
