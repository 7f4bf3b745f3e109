import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Authenticator, Credential } from "../access/authenticator.ts";
import { type Clock, HOUR_MS } from "../core/clock.ts";
import type { VisitRecord } from "../users/visit-record.ts";

const SESSION_HOURS = 12;
const SECRET_BYTES = 32;
/** As 32 bytes are written. */
const SECRET = /^[\w-]{43}$/;
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

/** Where several servers let in whoever one of them has let in. */
export interface SharedVisits {
  /** @throws {storage} */
  record: () => Promise<{ record: VisitRecord; clock: Clock }>;
  authenticator: Pick<Authenticator, "again">;
}

/** What a browser gets of its session. */
export interface OpenedSession {
  /** The value of the cookie. */
  value: string;
  /** For how long it is good. */
  seconds: number;
  /** Whether other servers know it as well. */
  isShared: boolean;
}

/**
 * Who was let in. Where servers share a record, each knows the users whom another has let in; all
 * others are known to this process only, and what their browsers hold is worth nothing after it. Of
 * a cookie's value nothing is kept but its digest.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #shared: SharedVisits | undefined;
  /** The oldest first. */
  readonly #open = new Map<string, Pick<Session, "credential" | "endsAt">>();

  constructor(clock: Clock, shared?: SharedVisits) {
    this.#clock = clock;
    this.#shared = shared;
  }

  /** @throws {storage} */
  async open(credential: Credential): Promise<OpenedSession> {
    const value = randomBytes(SECRET_BYTES).toString("base64url");
    const { voucher } = credential;
    const { owner } = credential.caller;
    const end = (now: number) => Math.min(now + SESSION_HOURS * HOUR_MS, credential.endsAt);
    const secondsOf = (now: number) => Math.max(0, Math.floor((end(now) - now) / 1000));
    if (this.#shared && voucher !== undefined) {
      const { record, clock } = await this.#shared.record();
      const now = clock.now();
      const visit = { handle: digest(value), owner, voucher, endsAt: end(now) };
      await record.begin(visit, MAX_OF_OWNER, now);
      return { value, seconds: secondsOf(now), isShared: true };
    }
    const now = this.#clock.now();
    this.#makeRoom(owner, now);
    this.#open.set(digest(value), { credential, endsAt: end(now) });
    return { value, seconds: secondsOf(now), isShared: false };
  }

  /**
   * Whose a cookie is: of somebody whose credential still holds, which is asked each time.
   * @throws {storage} when that cannot be found out
   */
  async of(value: string | undefined): Promise<Session | undefined> {
    if (value === undefined || !SECRET.test(value)) return undefined;
    const name = digest(value);
    const found = this.#open.has(name) ? await this.#ofOwn(name) : await this.#ofShared(name);
    return found && { ...found, formKey: formKeyOf(value) };
  }

  /** @throws {storage} when others may know it still */
  async end(value: string | undefined): Promise<void> {
    if (value === undefined || !SECRET.test(value)) return;
    const name = digest(value);
    if (this.#open.delete(name) || !this.#shared) return;
    await (await this.#shared.record()).record.end(name);
  }

  async #ofOwn(name: string) {
    const session = this.#open.get(name);
    if (!session) return undefined;
    if (session.endsAt > this.#clock.now() && (await session.credential.holds())) return session;
    this.#open.delete(name);
    return undefined;
  }

  async #ofShared(name: string) {
    if (!this.#shared) return undefined;
    const { record, clock } = await this.#shared.record();
    const visit = await record.find(name, clock.now());
    if (!visit) return undefined;
    const credential = await this.#shared.authenticator.again(visit.voucher);
    if (credential?.caller.owner === visit.owner) return { credential, endsAt: visit.endsAt };
    await record.end(name);
    return undefined;
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

/** The same at every server, and no way back to the cookie. */
function formKeyOf(value: string): string {
  return createHmac("sha256", value).update("forms").digest("base64url");
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
