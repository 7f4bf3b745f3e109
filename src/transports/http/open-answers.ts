import type { ServerResponse } from "node:http";
import type { Credential } from "../../access/authenticator.ts";
import type { Clock } from "../../core/clock.ts";

/** A credential that has gone ends what is open under it within twice this time. */
const LOOK_MS = 400;

/** What ends with the credential that vouches for it. */
export interface Vouched {
  destroy(): unknown;
}

/** Answers that are still being given, and sessions, each under the credential of who asked. */
export class OpenAnswers {
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  readonly #open = new Map<Vouched, Credential>();
  #callOff: (() => void) | undefined;
  #isClosed = false;

  constructor(clock: Clock, onError: (error: Error) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Ends an answer, finished or not, as soon as its credential is good no more. */
  watch(answer: ServerResponse, credential: Credential): void {
    const forget = this.vouch(answer, credential);
    answer.once("close", forget);
  }

  /**
   * Ends something as soon as its credential is good no more; a later credential of the same thing
   * takes the place of the earlier one.
   * @returns what ends the watch.
   */
  vouch(vouched: Vouched, credential: Credential): () => void {
    this.#open.set(vouched, credential);
    this.#lookLater();
    return () => this.#open.delete(vouched);
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
  }

  #lookLater(): void {
    if (this.#callOff || this.#isClosed || this.#open.size === 0) return;
    this.#callOff = this.#clock.schedule(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const byId = new Map<string, Credential>();
    for (const credential of this.#open.values()) byId.set(credential.id, credential);
    const gone = new Set<string>();
    for (const [id, credential] of byId) if (!(await this.#holds(credential))) gone.add(id);
    for (const [vouched, { id, endsAt }] of this.#open) {
      if (gone.has(id) || endsAt <= this.#clock.now()) vouched.destroy();
    }
    this.#callOff = undefined;
    this.#lookLater();
  }

  /** What cannot be asked about is not believed: its caller comes back when it can be. */
  async #holds(credential: Credential): Promise<boolean> {
    try {
      return await credential.holds();
    } catch (error) {
      if (error instanceof Error) this.#onError(error);
      return false;
    }
  }
}
