import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";

/** Nobody knows which job ends next. */
const RETRY_SECONDS = 5;

/** How many calls of each of several users wait for jobs: each holds a connection and a timer. */
export class Waits {
  readonly #most: number;
  readonly #waiting = new Map<string, number>();

  /** @param most of one user at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Does something that may wait for a job, if there is room for one more who waits. Asked before
   * anything is bought.
   * @param seconds as the call has it; those that do not wait always pass.
   * @throws {rate_limited}
   */
  async during<T>(
    { owner, isRemote }: Caller,
    seconds: number | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!isRemote || seconds === 0) return work();
    const waiting = this.#waiting.get(owner) ?? 0;
    if (waiting >= this.#most) throw this.#tooMany();
    this.#waiting.set(owner, waiting + 1);
    try {
      return await work();
    } finally {
      const left = (this.#waiting.get(owner) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(owner);
      else this.#waiting.set(owner, left);
    }
  }

  #tooMany(): AppError {
    return new AppError(
      "rate_limited",
      `${this.#most} calls of this user wait for jobs already, and no more may at a time (LONGCAT_MCP_MAX_WAITS_PER_USER).`,
      {
        next: `Call again in ${RETRY_SECONDS} s, or at once with \`wait_seconds: 0\`. Nothing was sent.`,
        retryAfterMs: RETRY_SECONDS * 1000,
      },
    );
  }
}
