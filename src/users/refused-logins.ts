import { type Clock, MINUTE_MS } from "../core/clock.ts";
import type { AuditLog } from "./audit-log.ts";

/** So often at most the log is written to, however many logins are refused. */
const PAUSE_MS = 100;
/** In a minute; whoever has more addresses than that is counted under one name. */
const MOST_ADDRESSES = 1000;
const OTHERS = "others";

/** Counts refused logins by address and minute, so that a flood of them is a few entries. */
export class RefusedLogins {
  readonly #audit: Pick<AuditLog, "noteRefusals">;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #minute = 0;
  /** Of the minute. */
  readonly #addresses = new Set<string>();
  /** What is not written yet. */
  readonly #counts = new Map<string, number>();
  #callOff: (() => void) | undefined;

  constructor(
    audit: Pick<AuditLog, "noteRefusals">,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    this.#audit = audit;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** @param address from where the connection came, as the server believes it. */
  note(address: string): void {
    const minute = Math.floor(this.#clock.now() / MINUTE_MS) * MINUTE_MS;
    if (minute !== this.#minute) {
      void this.#write();
      this.#minute = minute;
      this.#addresses.clear();
    }
    const isKnown = this.#addresses.has(address) || this.#addresses.size < MOST_ADDRESSES;
    const name = isKnown ? address : OTHERS;
    this.#addresses.add(name);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#callOff ??= this.#clock.schedule(PAUSE_MS, () => void this.#write());
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#counts.size === 0) return;
    const minute = this.#minute;
    const refusals = [...this.#counts].map(([address, count]) => ({ address, minute, count }));
    this.#counts.clear();
    try {
      await this.#audit.noteRefusals(refusals);
    } catch (error) {
      // A full disk must not make a refusal a failure.
      this.#onError(error);
    }
  }
}
