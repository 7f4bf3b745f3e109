import type { Scope } from "../core/caller.ts";
import { SCOPES } from "../core/caller.ts";
import { DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { TOKEN } from "../core/id-patterns.ts";
import { randomToken } from "../core/ids.ts";
import { oneLine } from "../core/text.ts";

/** What a user may spend, in US dollars; `undefined` where only the caps of all together hold. */
export interface UserCaps {
  perDayUsd: number | undefined;
  perMonthUsd: number | undefined;
}

/** Who a login of an issuer is. */
export interface Subject {
  /** Of the issuer; `undefined` until the service has been started with one. */
  issuer: string | undefined;
  /** The `sub` of its tokens. */
  subject: string;
}

/**
 * Somebody who calls over HTTP, as recorded. Times are milliseconds since the epoch. The id is the
 * owner of everything that is theirs: random, so that a name that is given again inherits nothing.
 */
export interface User extends Partial<Subject> {
  userId: string;
  /** `undefined` for a subject that nobody has named, and once a user was erased. */
  name: string | undefined;
  /** The most that they may do, whatever a token says. */
  scopes: readonly Scope[];
  caps: UserCaps;
  createdAt: number;
  /** `undefined` without a token of ours. */
  tokenMadeAt: number | undefined;
  /** When the token ends, not the user. */
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  erasedAt: number | undefined;
}

/** What a user may do unless told otherwise. */
export const DEFAULT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== "admin");
export const DEFAULT_TOKEN_DAYS = 365;

/** Names folders, so nothing in it leads anywhere. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const USER_ID = new RegExp(`^user_${TOKEN}$`);

/** An owner that nobody was before. */
export function newUserId(): string {
  return `user_${randomToken()}`;
}

/**
 * Whether what belongs to an owner may be given out to whoever has an address of it: not any more
 * once the user behind it was revoked. Owners that are no users have no end.
 */
export async function mayCall(
  users: { get(userId: string): Promise<User | undefined> },
  owner: string,
): Promise<boolean> {
  if (!isUserId(owner)) return true;
  const user = await users.get(owner);
  return user !== undefined && user.revokedAt === undefined && user.erasedAt === undefined;
}

export function isUserId(text: string): boolean {
  return USER_ID.test(text);
}

/** @throws {invalid_input} for what cannot be a user's name */
export function checkedName(name: string): string {
  if (NAME.test(name) && !name.includes("..")) return name;
  throw new AppError(
    "invalid_input",
    `"${oneLine(name, 80)}" cannot be a user's name: up to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or a digit, without "..". Choose another; nothing was changed.`,
  );
}

/** When a token ends that is made now for so many days. */
export function endOfToken(now: number, days = DEFAULT_TOKEN_DAYS): number {
  return now + days * DAY_MS;
}

/** Why a user's token of ours is refused now, if it is. */
export function tokenProblem(
  { revokedAt, expiresAt }: Pick<User, "revokedAt" | "expiresAt">,
  now: number,
): "revoked" | "expired" | undefined {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt === undefined || now < expiresAt ? undefined : "expired";
}
