import { onAbort } from "../core/aborting.ts";
import type { Clock } from "../core/clock.ts";
import type { AppError } from "../core/errors.ts";
import { FairGate } from "../core/fair-gate.ts";
import { SharedPause, tooManyNow } from "./shared-pause.ts";

/** How many requests may be under way at a time, of all owners; one alone gets 256. */
const MAX_CONCURRENT_SUBMITS = 288;

/** What is to be sent, by whom, and until when. */
export interface Sending {
  owner: string;
  /** For which key of which provider: its rate limit is that of all who send with it. */
  account: string;
  /** 1 for a real provider; smaller where a base on this machine runs faster. */
  timeScale: number;
  /** How long it may still wait, in milliseconds. */
  leftMs: () => number;
  /** Aborts where nothing of it is to be sent any more. */
  leaving: AbortSignal;
  /** Hears why it has to wait, and that it goes on. */
  onPause: (reason: AppError | undefined) => void;
}

/**
 * Whose turn it is to send. Owners take turns, and while a provider wants a pause nothing is sent
 * to it with the same key: what was refused waits with all else, so that whoever sends most has no
 * more of what the provider takes than others.
 */
export class SendingTurns {
  readonly #clock: Clock;
  readonly #gate = new FairGate(MAX_CONCURRENT_SUBMITS);
  readonly #pauses = new Map<string, SharedPause>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sends when it may be.
   * @param send says what came of it: whether it was taken, or refused because of too many.
   * @returns `undefined` for what was not sent, since it may wait no longer or is not wanted any more.
   */
  async run<T>(
    sending: Sending,
    send: () => Promise<{ value: T; isTaken: boolean; refused: AppError | undefined }>,
  ): Promise<T | undefined> {
    const { owner, account, timeScale, onPause } = sending;
    for (;;) {
      const pause = this.#pauses.get(account);
      if (!pause) {
        const sent = await this.#gate.run(owner, async () =>
          // One may have begun while this waited.
          this.#pauses.has(account) ? undefined : send(),
        );
        if (!sent) continue;
        if (sent.refused) this.#pauseOf(account).begin(sent.refused, timeScale);
        return sent.value;
      }
      onPause(tooManyNow());
      const leaving = this.#leaving(sending);
      try {
        const sent = await pause.run(leaving.signal, owner, () =>
          this.#gate.run(owner, async () => {
            if (this.#pauses.get(account)?.isOn) return undefined;
            onPause(undefined);
            return send();
          }),
        );
        if (sent?.refused) this.#pauseOf(account).begin(sent.refused, timeScale);
        else if (sent?.isTaken && pause.widen(MAX_CONCURRENT_SUBMITS)) this.#pauses.delete(account);
        if (sent || leaving.signal.aborted) return sent?.value;
      } finally {
        leaving.over();
      }
    }
  }

  /** Why nothing is sent for an account at the moment. */
  reason(account: string): AppError | undefined {
    return this.#pauses.has(account) ? tooManyNow() : undefined;
  }

  close(): void {
    for (const pause of this.#pauses.values()) pause.close();
  }

  #pauseOf(account: string): SharedPause {
    const pause = this.#pauses.get(account) ?? new SharedPause(this.#clock);
    this.#pauses.set(account, pause);
    return pause;
  }

  #leaving({ leftMs, leaving }: Sending): { signal: AbortSignal; over: () => void } {
    const late = new AbortController();
    const callOff = this.#clock.schedule(leftMs(), () => late.abort());
    const release = onAbort(leaving, () => late.abort());
    const over = () => {
      callOff();
      release();
    };
    return { signal: late.signal, over };
  }
}
