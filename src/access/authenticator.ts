import type { Caller } from "../core/caller.ts";

/** What vouches for a caller: one token, or one login at an issuer. */
export interface Credential {
  caller: Caller;
  /** Tells credentials apart, and is no secret. */
  id: string;
  /** When it ends, in milliseconds since the epoch. */
  endsAt: number;
  /** Whether it is still good for its caller; asked again and again while answers are open. */
  holds(): Promise<boolean>;
  /** What it is read from again, here or elsewhere; no secret. Absent where only this process knows it. */
  voucher?: string;
}

/** Says who calls, by what a caller brings. */
export interface Authenticator {
  /** Whether callers have to say who they are; once they had to, they have to for ever. */
  isClosed(): Promise<boolean>;
  /**
   * Whose a token is. Words of a refusal are for whoever sent it: they tell what is wrong with it,
   * and nothing of other callers.
   * @throws {storage} when that cannot be found out.
   */
  verify(token: string): Promise<Credential | { refused: string }>;
  /**
   * A credential by its voucher, if it is good for the same caller still.
   * @throws {storage} when that cannot be found out.
   */
  again(voucher: string): Promise<Credential | undefined>;
  /** Hears of a request that was not let in. @param address of who sent it. */
  noteRefusal(address: string): Promise<void>;
}

/** Where logins come from, and for what they are made. */
export interface ProtectedResource {
  /** The issuer's own name, which is its address. */
  issuer: string;
  /** The outside address of `/mcp`. */
  audience: string;
}

/** How callers are told apart. */
export interface Access {
  authenticator: Authenticator;
  /** Where clients can log in; absent where there are tokens alone. */
  resource?: ProtectedResource | undefined;
}
