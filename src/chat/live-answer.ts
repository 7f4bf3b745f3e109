import type { Clock } from "../core/clock.ts";
import type { ChatNews } from "../gateway/chat-replies.ts";
import type { Said, ThreadStore, TurnOutcome } from "./threads.ts";

const SAVE_EVERY_MS = 1_000;

export interface LiveOptions {
  store: ThreadStore;
  clock: Clock;
  jobId: string;
  /** Hears when reasoning and answer begin, and whenever some of either has been saved. */
  onProgress: () => void;
  /** Hears of a piece that could not be saved. */
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

  take(news: ChatNews): void {
    const before = [this.#answer.whole, this.#reasoning.whole];
    this.#answer.add(news.text);
    this.#reasoning.add(news.reasoning);
    if (news.model !== undefined) this.facts.model = news.model;
    if (news.finishReason !== undefined) this.facts.finishReason = news.finishReason;
    // Anthropic's format counts what went in at the beginning, what came out at the end.
    if (news.inputTokens !== undefined && news.inputTokens > 0) {
      this.facts.inputTokens = news.inputTokens;
    }
    if (news.outputTokens !== undefined) this.facts.outputTokens = news.outputTokens;
    const now = [this.#answer.whole, this.#reasoning.whole];
    if (now.some((text, track) => text !== "" && before[track] === "")) this.#options.onProgress();
    this.#callOff ??= this.#options.clock.schedule(SAVE_EVERY_MS, () => {
      this.#callOff = undefined;
      void this.save();
    });
  }

  /** Writes down what has come since the last time. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const said: Said = { answer: this.#answer.unsaved(), reasoning: this.#reasoning.unsaved() };
      if (said.answer === "" && said.reasoning === "") return;
      const { store, jobId, onProgress, onError } = this.#options;
      try {
        await store.append(jobId, this.#part++, said);
        onProgress();
      } catch (error) {
        this.#failure ??= error;
        onError(error);
      }
    });
    return this.#saving;
  }

  /**
   * Writes down the rest.
   * @throws {storage} when a piece could not be kept
   */
  async end(): Promise<void> {
    this.#callOff?.();
    await this.save();
    if (this.#failure !== undefined) throw this.#failure;
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
    const text = this.whole.slice(this.#saved);
    this.#saved = this.whole.length;
    return text;
  }
}
