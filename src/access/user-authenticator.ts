import { type Caller, type Scope, scopesIn } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { RefusedLogins } from "../users/refused-logins.ts";
import { isToken, tokenHash } from "../users/token.ts";
import { tokenProblem, type User } from "../users/user.ts";
import type { UserStore } from "../users/user-store.ts";
import type { Authenticator, Credential } from "./authenticator.ts";
import type { Login, Logins } from "./logins.ts";

export interface UserAuthenticatorOptions {
  users: Pick<UserStore, "byTokenHash" | "bySubject">;
  /** Where a caller can log in, beside having a token of ours. */
  logins: Logins | undefined;
  isClosed: () => Promise<boolean>;
  refused: Pick<RefusedLogins, "note">;
  clock: Clock;
}

const PROBLEMS = { revoked: "The token was revoked", expired: "The token has expired" };
const UNKNOWN = "The token is not known";
/** Three parts: header, claims, signature. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Callers are users: by a token of ours, or by a login of the issuer. */
export class UserAuthenticator implements Authenticator {
  readonly #options: UserAuthenticatorOptions;

  constructor(options: UserAuthenticatorOptions) {
    this.#options = options;
  }

  isClosed(): Promise<boolean> {
    return this.#options.isClosed();
  }

  async verify(token: string): Promise<Credential | { refused: string }> {
    if (isToken(token)) return this.#ofToken(tokenHash(token));
    const { logins } = this.#options;
    if (!logins || !JWT.test(token)) return { refused: UNKNOWN };
    const login = await logins.read(token);
    return "refused" in login ? login : this.#ofLogin(login, logins.issuer, tokenHash(token));
  }

  async noteRefusal(address: string): Promise<void> {
    this.#options.refused.note(address);
  }

  async #ofToken(hash: string): Promise<Credential | { refused: string }> {
    const { users, clock } = this.#options;
    const user = await users.byTokenHash(hash);
    if (!user) return { refused: UNKNOWN };
    const problem = tokenProblem(user, clock.now());
    if (problem) return { refused: PROBLEMS[problem] };
    return {
      caller: callerOf(user, user.scopes),
      id: hash,
      endsAt: user.expiresAt ?? Number.POSITIVE_INFINITY,
      holds: async () => {
        const now = await users.byTokenHash(hash);
        return now !== undefined && isSame(now, user) && !tokenProblem(now, clock.now());
      },
    };
  }

  async #ofLogin(
    { subject, scopes, endsAt }: Login,
    issuer: string,
    hash: string,
  ): Promise<Credential | { refused: string }> {
    const { users, clock } = this.#options;
    const find = () => users.bySubject({ issuer, subject }, clock.now());
    const user = await find();
    if (user.revokedAt !== undefined) return { refused: PROBLEMS.revoked };
    return {
      caller: callerOf(
        user,
        [...scopesIn(user.scopes)].filter((scope) => scopes.has(scope)),
      ),
      id: hash,
      endsAt,
      holds: async () => {
        const now = await find();
        return now.revokedAt === undefined && isSame(now, user);
      },
    };
  }
}

function callerOf({ userId }: User, scopes: readonly Scope[]): Caller {
  return { owner: userId, scopes: scopesIn(scopes), isRemote: true };
}

/** Whether somebody may still do what they could: a stream must not outlive what opened it. */
function isSame(now: User, then: User): boolean {
  return now.userId === then.userId && now.scopes.join() === then.scopes.join();
}
