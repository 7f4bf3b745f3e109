import type { UserStore } from "./user-store.ts";

/**
 * What says beside the record that users have existed, so that a record that is gone does not open
 * what was closed.
 */
export interface ClosedMarker {
  isSet(): boolean;
  /** @throws {storage} when that cannot be written */
  set(): void;
  /** @throws {storage} when that cannot be removed */
  clear(): void;
}

/**
 * Whether calls over HTTP need a token: since users exist, for ever, whatever happens to the users
 * or to the record of them. Only `reopen` undoes it.
 */
export class Door {
  readonly #users: Pick<UserStore, "everExisted" | "noteClosed" | "noteIssuer" | "reopen">;
  readonly #marker: ClosedMarker;
  /** What is known where the record cannot be asked any more. */
  #wasClosed = false;

  constructor(
    users: Pick<UserStore, "everExisted" | "noteClosed" | "noteIssuer" | "reopen">,
    marker: ClosedMarker,
  ) {
    this.#users = users;
    this.#marker = marker;
  }

  /** To be asked for each request, and once at the start; cheap. Never throws. */
  async isClosed(): Promise<boolean> {
    if (this.#marker.isSet()) {
      // It is closed whatever the record says, which need not be asked.
      this.#wasClosed = true;
      return true;
    }
    const isRecorded = await this.#users.everExisted().catch(() => undefined);
    if (isRecorded) this.#markAgain();
    this.#wasClosed = isRecorded ?? this.#wasClosed;
    return this.#wasClosed;
  }

  /** Closes, before the first user is recorded. @throws {storage} */
  close(): void {
    this.#marker.set();
    this.#wasClosed = true;
  }

  /** An issuer counts from the first start with it. @throws {storage} */
  async closeFor(issuer: string, now: number): Promise<void> {
    this.close();
    await this.#users.noteIssuer(issuer, now);
  }

  /**
   * To be called at the start: a record that was begun anew beside the mark says so from then on.
   * @throws {storage}
   */
  async remember(now: number): Promise<void> {
    if (this.#marker.isSet() && !(await this.#users.everExisted())) {
      await this.#users.noteClosed(now);
    }
  }

  /** @throws {invalid_input} while there are users. @throws {storage} */
  async reopen(now: number): Promise<void> {
    await this.#users.reopen(now, () => this.#marker.clear());
    // Once more: whoever answered a call meanwhile may have put it back.
    this.#marker.clear();
    this.#wasClosed = false;
  }

  #markAgain(): void {
    try {
      this.#marker.set();
    } catch {
      // The record says so still, and so does this process.
    }
  }
}
