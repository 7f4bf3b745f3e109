import type { Clock } from "../../core/clock.ts";
import type { Session, SharedSessions } from "./http-session.ts";

/** How soon other processes' doings are seen, as long as something of a session is open here. */
const LOOK_MS = 1_000;
const SWEEP_MS = 60_000;

export interface SessionLooksOptions {
  /** This process. */
  writer: string;
  clock: Clock;
  shared: () => Promise<SharedSessions>;
  /** Those that are here, each by its handle. */
  sessions: ReadonlyMap<string, Session>;
}

/**
 * Looks at the record again and again while sessions are in use here: shows that they are, hears what
 * their clients have sent to other processes, and ends what was ended there.
 */
export class SessionLooks {
  readonly #options: SessionLooksOptions;
  #callOff: (() => void) | undefined;
  #sweptAt: number | undefined;
  #isClosed = false;

  constructor(options: SessionLooksOptions) {
    this.#options = options;
  }

  /** As soon as something is open. */
  begin(): void {
    if (this.#callOff || this.#isClosed) return;
    this.#callOff = this.#options.clock.schedule(LOOK_MS, () => void this.#look());
  }

  /** Removes what is over, now and then. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.elapsed();
    if (this.#sweptAt !== undefined && now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    const { record, clock } = await this.#options.shared();
    await record.sweep(clock.now());
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
  }

  async #look(): Promise<void> {
    const { sessions } = this.#options;
    const inUse = [...sessions.values()].filter(({ isIdle }) => !isIdle);
    // What cannot be asked now is asked again.
    if (inUse.length > 0) await this.#lookAt(inUse).catch(() => undefined);
    this.#callOff = undefined;
    if (inUse.length > 0) this.begin();
  }

  async #lookAt(inUse: readonly Session[]): Promise<void> {
    const { shared, sessions, writer } = this.#options;
    const { record, clock } = await shared();
    const kept = await record.keep(
      inUse.map(({ seal }) => seal.handle),
      clock.now(),
    );
    const found = new Map(kept.map((one) => [one.handle, one]));
    for (const session of inUse) {
      const stored = found.get(session.seal.handle);
      if (stored) session.know(stored);
      else session.drop();
    }
    if (inUse.some(({ isAtWork }) => isAtWork)) {
      for (const { handle, sealed } of await record.collect(writer, clock.now())) {
        sessions.get(handle)?.hear(sealed);
      }
    }
    await this.sweep();
  }
}
