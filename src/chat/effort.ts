import { AppError } from "../core/errors.ts";

/** Some seconds: what no honest list of files comes near. */
const MOST_STEPS = 2_000_000_000;
/** Some milliseconds: so long nobody else in this process gets a turn. */
const STEPS_WITHOUT_PAUSE = 5_000_000;

/**
 * Counts the steps that one caller's list of files takes, whoever makes them many: the caller's
 * patterns, or the folders and the rules in them.
 */
export class Effort {
  #left: number;
  #sincePause = 0;

  constructor(mostSteps = MOST_STEPS) {
    this.#left = mostSteps;
  }

  /** @throws {invalid_input} when it is too much. */
  spend(steps: number): void {
    this.#left -= steps;
    this.#sincePause += steps;
    if (this.#left >= 0) return;
    throw new AppError("invalid_input", "`files` take too much work to look for.", {
      next: "Name fewer or narrower patterns, or the files themselves; nothing was sent.",
    });
  }

  /** Lets others have a turn where one is due. */
  async pause(): Promise<void> {
    if (this.#sincePause < STEPS_WITHOUT_PAUSE) return;
    this.#sincePause = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
