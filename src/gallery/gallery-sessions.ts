import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Credential } from "../access/authenticator.ts";
import { type Clock, HOUR_MS } from "../core/clock.ts";

const SESSION_HOURS = 12;
const SECRET_BYTES = 32;
/** More than anybody has open; the oldest go first. */
const MAX_SESSIONS = 1_000;
const MAX_OF_OWNER = 20;

/** Somebody who was let in, until an end that is known from the start. */
export interface Session {
  credential: Credential;
  /** What every form of theirs carries, and no page of anybody else's can know. */
  formKey: string;
  endsAt: number;
}

/**
 * Who was let in. Kept in this process only: what a browser holds is worth nothing to any other one
 * and after a restart. Of the cookie's value nothing is kept but its digest.
 */
export class Sessions {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #open = new Map<string, Session>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the value of the cookie, and how many seconds it is good for. */
  open(credential: Credential): { value: string; seconds: number } {
    const value = randomBytes(SECRET_BYTES).toString("base64url");
    const now = this.#clock.now();
    const endsAt = Math.min(now + SESSION_HOURS * HOUR_MS, credential.endsAt);
    const { owner } = credential.caller;
    this.#makeRoom(owner, now);
    const formKey = randomBytes(SECRET_BYTES).toString("base64url");
    this.#open.set(digest(value), { credential, formKey, endsAt });
    return { value, seconds: Math.max(0, Math.floor((endsAt - now) / 1000)) };
  }

  /**
   * Whose a cookie is: of somebody whose credential still holds, which is asked each time.
   * @throws {storage} when that cannot be found out
   */
  async of(value: string | undefined): Promise<Session | undefined> {
    const name = value === undefined ? undefined : digest(value);
    const session = name === undefined ? undefined : this.#open.get(name);
    if (name === undefined || !session) return undefined;
    if (session.endsAt > this.#clock.now() && (await session.credential.holds())) return session;
    this.#open.delete(name);
    return undefined;
  }

  end(value: string | undefined): void {
    if (value !== undefined) this.#open.delete(digest(value));
  }

  #makeRoom(owner: string, now: number): void {
    for (const [name, { endsAt }] of this.#open) if (endsAt <= now) this.#open.delete(name);
    const own = [...this.#open].filter(([, { credential }]) => credential.caller.owner === owner);
    for (const [name] of own.slice(0, Math.max(0, own.length + 1 - MAX_OF_OWNER))) {
      this.#open.delete(name);
    }
    const all = [...this.#open.keys()];
    for (const name of all.slice(0, Math.max(0, all.length + 1 - MAX_SESSIONS))) {
      this.#open.delete(name);
    }
  }
}

/** Whether a form is one of a session's own. */
export function isOwnForm({ formKey }: Session, given: string | null): boolean {
  const [own, other] = [Buffer.from(formKey), Buffer.from(given ?? "")];
  return own.length === other.length && timingSafeEqual(own, other);
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
