import * as z from "zod";
import { type Caller, SCOPES, type Scope, scopesIn } from "../core/caller.ts";
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
const scopesSchema = z.array(z.enum(SCOPES));
const voucherSchema = z.object({
  tokenHash: z.string(),
  userId: z.string(),
  /** What the user could do. */
  scopes: scopesSchema,
  /** Of a login of the issuer, what it said. */
  login: z
    .object({ issuer: z.string(), subject: z.string(), scopes: scopesSchema, endsAt: z.number() })
    .optional(),
});
type Voucher = z.infer<typeof voucherSchema>;

/** A user, and what they may do. */
type Bearer = Pick<User, "userId" | "scopes">;
type Vouched = Credential & { voucher: string };

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

  async again(text: string): Promise<Credential | undefined> {
    const { tokenHash: hash, login, ...then } = voucherSchema.parse(JSON.parse(text));
    const { logins, clock } = this.#options;
    const read = async () => {
      if (!login) return this.#ofToken(hash);
      if (login.issuer !== logins?.issuer || login.endsAt <= clock.now()) return undefined;
      const { subject, scopes, endsAt } = login;
      return this.#ofLogin({ subject, scopes: new Set(scopes), endsAt }, login.issuer, hash);
    };
    const found = await read();
    if (!found || "refused" in found) return undefined;
    return isSame(voucherSchema.parse(JSON.parse(found.voucher)), then) ? found : undefined;
  }

  async noteRefusal(address: string): Promise<void> {
    this.#options.refused.note(address);
  }

  async #ofToken(hash: string): Promise<Vouched | { refused: string }> {
    const { users, clock } = this.#options;
    const user = await users.byTokenHash(hash);
    if (!user) return { refused: UNKNOWN };
    const problem = tokenProblem(user, clock.now());
    if (problem) return { refused: PROBLEMS[problem] };
    return {
      caller: callerOf(user, user.scopes),
      id: hash,
      voucher: voucherOf(hash, user),
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
  ): Promise<Vouched | { refused: string }> {
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
      voucher: voucherOf(hash, user, { issuer, subject, scopes: [...scopes], endsAt }),
      endsAt,
      holds: async () => {
        const now = await find();
        return now.revokedAt === undefined && isSame(now, user);
      },
    };
  }
}

function voucherOf(tokenHash: string, { userId, scopes }: User, login?: Voucher["login"]): string {
  return JSON.stringify({ tokenHash, userId, scopes: [...scopes], login } satisfies Voucher);
}

function callerOf({ userId }: User, scopes: readonly Scope[]): Caller {
  return { owner: userId, scopes: scopesIn(scopes), isRemote: true };
}

/** Whether somebody may still do what they could: a stream must not outlive what opened it. */
function isSame(now: Bearer, then: Bearer): boolean {
  return now.userId === then.userId && now.scopes.join() === then.scopes.join();
}
