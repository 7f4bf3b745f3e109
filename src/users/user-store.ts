import type { Scope } from "../core/caller.ts";
import type { Subject, User, UserCaps } from "./user.ts";

/** Somebody who is to be recorded. */
export interface NewUser {
  userId: string;
  name: string;
  scopes: readonly Scope[];
  caps: UserCaps;
  /** A login of the issuer that is this user as well. */
  subject: string | undefined;
  tokenHash: string;
  /** When the token ends. */
  expiresAt: number;
  /** Milliseconds since the epoch, as everywhere here. */
  now: number;
}

/** What is changed of a user; what is absent stays. */
export interface UserChange {
  scopes?: readonly Scope[];
  caps?: UserCaps;
  subject?: string;
  expiresAt?: number;
}

/**
 * Who may call over HTTP. Every write is durable when its promise resolves, goes into the audit log
 * with it, and is seen by all processes from then on: whoever answers calls asks anew each time. All
 * methods throw {storage} when the record cannot be used, also when it was deleted or replaced while
 * the program runs: a user whom nobody can revoke any more is no user.
 */
export interface UserStore {
  /**
   * Records a user, and that the service is closed from now on.
   * @throws {invalid_input} when the name, or the subject, belongs to a user who is not revoked
   */
  add(user: NewUser): Promise<User>;
  /** @throws {not_found} for nobody, or a revoked one. @throws {invalid_input} for a taken subject */
  change(userId: string, change: UserChange, now: number): Promise<User>;
  /** Gives a user another token; the one before is nobody's at once. @throws {not_found} */
  rotate(
    userId: string,
    token: { tokenHash: string; expiresAt: number },
    now: number,
  ): Promise<User>;
  /** For good: token and subject are refused. @throws {not_found} */
  revoke(userId: string, now: number): Promise<User>;
  /** Revokes, and forgets the name and the subject. @throws {not_found} */
  forget(userId: string, now: number): Promise<void>;
  /** All but the erased, the oldest first. */
  list(): Promise<User[]>;
  /** The ids of those who were erased. */
  erased(): Promise<string[]>;
  /** Erased ones as well. */
  get(userId: string): Promise<User | undefined>;
  /** Whose token has a hash, revoked and expired ones too: see `tokenProblem`. */
  byTokenHash(hash: string): Promise<User | undefined>;
  /**
   * Who a login of an issuer is: the user whom it is bound to, else an owner of its own, recorded
   * when first seen, whose name is `undefined`. One that was revoked or erased stays so until it is
   * bound to a new user.
   */
  bySubject(subject: Required<Subject> & { issuer: string }, now: number): Promise<User>;
  /**
   * Whether users have ever existed, or an issuer, since the service was last opened on purpose.
   * Answers from an open record also when its files are gone.
   */
  everExisted(): Promise<boolean>;
  /** Records that the service is closed, where something else says so. */
  noteClosed(now: number): Promise<void>;
  /** Records that the service was started with an issuer, which closes it. Subjects without an issuer get it. */
  noteIssuer(issuer: string, now: number): Promise<void>;
  /**
   * Undoes that users have existed.
   * @param unmark told before it is recorded, to remove what else says so.
   * @throws {invalid_input} while there are users who are not revoked
   */
  reopen(now: number, unmark: () => void): Promise<void>;
}
