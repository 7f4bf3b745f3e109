import type { Clock } from "../core/clock.ts";
import type { ChatDelta } from "../gateway/chat-delta.ts";
import type { Said, TurnOutcome } from "./thread.ts";
import type { ThreadStore } from "./thread-store.ts";

const SAVE_EVERY_MS = 1_000;

export interface LiveOptions {
  store: ThreadStore;
  clock: Clock;
  owner: string;
  jobId: string;
  /** Hears when reasoning and answer begin, and whenever some of either has been saved. */
  onProgress: () => void;
  /** Hears that what has come cannot be saved at the moment; it is tried again. */
  onError: (error: unknown) => void;
}

/** An answer while it comes: its text is on disk within a second of its arrival. */
export class LiveAnswer {
  readonly #options: LiveOptions;
  readonly #answer = new Track();
  readonly #reasoning = new Track();
  #part = 0;
  #saving: Promise<void> = Promise.resolve();
  #callOff: (() => void) | undefined;
  #failure: unknown;
  #isWhole = false;
  /** What the provider has told beside the text. */
  readonly facts: TurnOutcome = {};

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get answer(): string {
    return this.#answer.whole;
  }

  get characters(): number {
    return this.#answer.whole.length + this.#reasoning.whole.length;
  }

  get isThinking(): boolean {
    return this.#answer.whole === "" && this.#reasoning.whole !== "";
  }

  take(delta: ChatDelta): void {
    const before = [this.#answer.whole, this.#reasoning.whole];
    this.#answer.add(delta.text);
    this.#reasoning.add(delta.reasoning);
    if (delta.model !== undefined) this.facts.model = delta.model;
    if (delta.finishReason !== undefined) this.facts.finishReason = delta.finishReason;
    // Anthropic's format counts what went in at the beginning, what came out at the end.
    if (delta.inputTokens !== undefined && delta.inputTokens > 0) {
      this.facts.inputTokens = delta.inputTokens;
    }
    if (delta.outputTokens !== undefined) this.facts.outputTokens = delta.outputTokens;
    const now = [this.#answer.whole, this.#reasoning.whole];
    if (now.some((text, track) => text !== "" && before[track] === "")) this.#options.onProgress();
    this.#saveSoon();
  }

  /** Writes down what has come since the last time. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      this.#failure = undefined;
      const said: Said = { answer: this.#answer.unsaved(), reasoning: this.#reasoning.unsaved() };
      if (said.answer === "" && said.reasoning === "") return;
      const { store, owner, jobId, onProgress, onError } = this.#options;
      try {
        await store.append(owner, jobId, this.#part, said);
      } catch (error) {
        this.#failure = error;
        onError(error);
        this.#saveSoon();
        return;
      }
      this.#part++;
      this.#answer.saved(said.answer);
      this.#reasoning.saved(said.reasoning);
      onProgress();
    });
    return this.#saving;
  }

  /**
   * Writes down the rest. May be called again until it succeeds.
   * @throws {storage} when it cannot be written
   */
  async end(): Promise<void> {
    this.#isWhole = true;
    this.#callOff?.();
    await this.save();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #saveSoon(): void {
    if (this.#isWhole) return;
    this.#callOff ??= this.#options.clock.schedule(SAVE_EVERY_MS, () => {
      this.#callOff = undefined;
      void this.save();
    });
  }
}

/** Text that grows, and how much of it is saved. */
class Track {
  whole = "";
  #saved = 0;

  add(piece: string): void {
    this.whole += piece;
  }

  unsaved(): string {
    return this.whole.slice(this.#saved);
  }

  saved(text: string): void {
    this.#saved += text.length;
  }
}
