import type { ChatDelta } from "./chat-delta.ts";

/** How models that say their thoughts aloud mark them, when nobody takes them out on the way. */
const MARKS: ReadonlyMap<string, string> = new Map(
  ["think", "thinking", "thought", "thoughts", "reasoning", "reflection", "longcat_think"]
    .map((name): [string, string] => [`<${name}>`, `</${name}>`])
    .concat([
      ["[think]", "[/think]"],
      ["<|begin_of_thought|>", "<|end_of_thought|>"],
      ["◁think▷", "◁/think▷"],
    ]),
);

type Place =
  | { kind: "beginning"; after?: "thought" }
  | { kind: "thought"; until: string }
  | { kind: "answer" };

/**
 * Takes thoughts that stand at the beginning of an answer, between marks, for reasoning. Works on
 * pieces: what may be the beginning of a mark waits for the next one.
 */
export class Thoughts {
  #place: Place = { kind: "beginning" };
  #held = "";

  of(delta: ChatDelta): ChatDelta {
    const isOver = this.#place.kind === "answer" && this.#held === "";
    if (isOver || delta.text === "") return delta;
    const { text, reasoning } = this.#split(this.#held + delta.text);
    return { ...delta, text, reasoning: delta.reasoning + reasoning };
  }

  /** What was held back, now that nothing more comes. */
  rest(): ChatDelta | undefined {
    if (this.#held === "") return undefined;
    const isThought = this.#place.kind === "thought";
    const isEmpty = this.#place.kind === "beginning" && this.#place.after && !this.#held.trim();
    const [text, reasoning] = isThought || isEmpty ? ["", this.#held] : [this.#held, ""];
    this.#held = "";
    return { text, reasoning, done: false };
  }

  #split(given: string): { text: string; reasoning: string } {
    let left = given;
    let reasoning = "";
    this.#held = "";
    while (this.#place.kind !== "answer") {
      if (this.#place.kind === "beginning") {
        const begun = left.trimStart().toLowerCase();
        const opened = [...MARKS].find(([mark]) => begun.startsWith(mark));
        if (opened) {
          const [mark, until] = opened;
          left = left.trimStart().slice(mark.length);
          this.#place = { kind: "thought", until };
        } else if ([...MARKS.keys()].some((mark) => mark.startsWith(begun))) {
          this.#held = left;
          return { text: "", reasoning };
        } else {
          if (this.#place.after) left = left.trimStart();
          this.#place = { kind: "answer" };
        }
      } else {
        const { until } = this.#place;
        const end = left.toLowerCase().indexOf(until);
        if (end < 0) {
          const open = openEnd(left.toLowerCase(), until);
          this.#held = left.slice(left.length - open);
          return { text: "", reasoning: reasoning + left.slice(0, left.length - open) };
        }
        reasoning += left.slice(0, end);
        left = left.slice(end + until.length);
        this.#place = { kind: "beginning", after: "thought" };
      }
    }
    return { text: left, reasoning };
  }
}

/** How many of a text's last characters may be the beginning of a mark. */
function openEnd(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
