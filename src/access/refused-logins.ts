import type { Clock } from "../core/clock.ts";
import type { AuditLog } from "../users/audit-log.ts";

const MINUTE_MS = 60_000;
/** Whoever guesses must not make us write for each guess. */
const WRITE_AFTER_MS = 2_000;
/** What is counted one by one until it is written; all beyond are counted together. */
const MOST_ADDRESSES = 1_000;
const MANY_OTHERS = "many others";

/** Counts refused logins by address and minute, for the audit log. */
export class RefusedLogins {
  readonly #audit: Pick<AuditLog, "noteRefusals">;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  #counts = new Map<string, { address: string; minute: number; count: number }>();
  #callOff: (() => void) | undefined;

  constructor(
    audit: Pick<AuditLog, "noteRefusals">,
    clock: Clock,
    onError: (error: Error) => void,
  ) {
    this.#audit = audit;
    this.#clock = clock;
    this.#onError = onError;
  }

  note(from: string): void {
    const minute = Math.floor(this.#clock.now() / MINUTE_MS) * MINUTE_MS;
    const isKnown = this.#counts.has(`${from} ${minute}`);
    const address = isKnown || this.#counts.size < MOST_ADDRESSES ? from : MANY_OTHERS;
    const key = `${address} ${minute}`;
    const counted = this.#counts.get(key) ?? { address, minute, count: 0 };
    counted.count++;
    this.#counts.set(key, counted);
    this.#callOff ??= this.#clock.schedule(WRITE_AFTER_MS, () => void this.write());
  }

  /** Writes what was counted; also at the end. */
  async write(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    const counted = [...this.#counts.values()];
    this.#counts = new Map();
    if (counted.length === 0) return;
    await this.#audit.noteRefusals(counted).catch((error: unknown) => {
      if (error instanceof Error) this.#onError(error);
    });
  }
}
