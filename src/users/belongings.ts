import { AppError } from "../core/errors.ts";

/** What was removed. */
export interface Removed {
  jobs: number;
  threads: number;
}

/** All that the record has of an owner, for the day on which it is to go. */
export interface Belongings {
  /** @throws {invalid_input} while jobs of an owner are unfinished */
  requireFinished(owner: string): Promise<void>;
  /**
   * Removes jobs, threads and everything that came with them, all or nothing; what jobs have cost
   * or may have cost stays, without words. Finished files are doomed, for whoever removes such.
   * @param force also while jobs are unfinished.
   * @throws {invalid_input} for unfinished jobs otherwise
   */
  remove(owner: string, wishes: { force: boolean; now: number }): Promise<Removed>;
}

/** @returns why an owner's things are not removed now. @param unfinished the ids of some jobs. */
export function whyNotRemoved(unfinished: readonly string[]): AppError | undefined {
  const [first, ...others] = unfinished;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? "is" : `and ${others.length} more are`;
  return new AppError("invalid_input", `${first} ${more} unfinished. Nothing was erased.`, {
    next: "Wait for the end of what is unfinished, or give --force: what the provider has accepted is then charged all the same, and nobody gets it.",
  });
}
