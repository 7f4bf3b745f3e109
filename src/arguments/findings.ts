import { AppError } from "../core/errors.ts";

const MAX_TOLD = 8;

/** What is wrong with the arguments of one call, and what the answer has to say of them. */
export class Findings {
  readonly notes: string[] = [];
  readonly #problems = new Set<string>();
  #more = 0;

  /** Keeps a sentence about what is wrong. */
  add(problem: string): void {
    if (this.isFull) this.#more++;
    else this.#problems.add(problem);
  }

  /** Whether so much is wrong that more of it is only counted. */
  get isFull(): boolean {
    return this.#problems.size >= MAX_TOLD;
  }

  get count(): number {
    return this.#problems.size + this.#more;
  }

  /** @throws {invalid_input} that says all of it at once */
  throwIfAny(): void {
    if (this.#problems.size === 0) return;
    const more = this.#more === 0 ? [] : [`And there is more (${this.#more}).`];
    throw new AppError("invalid_input", [...this.#problems, ...more].join(" "));
  }
}
