import type { ChatDelta } from "./chat-delta.ts";

/**
 * What several events of an answer add, as few as they can be. A network brings many events in a
 * piece when it brings them fast: what is done with all of their words is then done once a piece,
 * not once a word. Where reasoning ends and the answer begins stays to be seen.
 */
export class GatheredDelta {
  #gathered: ChatDelta[] = [];

  add(delta: ChatDelta): void {
    const last = this.#gathered.at(-1);
    const isTurn = last !== undefined && last.reasoning !== "" && delta.text !== "";
    if (last === undefined || isTurn) this.#gathered.push(delta);
    else this.#gathered[this.#gathered.length - 1] = joined(last, delta);
  }

  /** All since the last time, in order. */
  take(): ChatDelta[] {
    const gathered = this.#gathered;
    this.#gathered = [];
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
