import { AppError } from "../core/errors.ts";
import { visibleJson } from "../core/text.ts";
import { newToken, tokenHash } from "../users/token.ts";
import { DEFAULT_SCOPES, endOfToken, newUserId } from "../users/user.ts";
import { eraseUser } from "./user-erasure.ts";
import { exportUser } from "./user-export.ts";
import { dayOf, listedUser, userLine } from "./user-list.ts";
import { findActive } from "./user-named.ts";
import { capsWith, type UserAction, type UserOrder } from "./user-options.ts";
import type { UserSurroundings } from "./user-record.ts";

type Act = (order: UserOrder, surroundings: UserSurroundings) => Promise<void>;

/** What the `users` command does. Each throws {invalid_input | not_found | storage}. */
export const userActions: Readonly<Record<UserAction, Act>> = {
  list,
  add,
  set,
  rotate,
  revoke,
  open,
  export: exportUser,
  erase: eraseUser,
};

async function list({ json }: UserOrder, { users, now, write }: UserSurroundings): Promise<void> {
  const all = await users.list();
  if (json) return write(`${visibleJson(all.map((user) => listedUser(user, now)))}\n`);
  write(
    all.length === 0 ? "There are no users.\n" : all.map((user) => userLine(user, now)).join(""),
  );
}

async function add(order: UserOrder, surroundings: UserSurroundings): Promise<void> {
  const { users, door, now, write, say } = surroundings;
  const name = order.who;
  const token = newToken();
  const wasClosed = await door.isClosed();
  const caps = capsWith({ perDayUsd: undefined, perMonthUsd: undefined }, order);
  const isTaken = (await users.list()).some(
    (user) => user.name === name && user.revokedAt === undefined,
  );
  // Closed before there is somebody: what is refused at the record itself closes nothing.
  if (!isTaken) door.close();
  const user = await users.add({
    userId: newUserId(),
    name,
    scopes: order.scopes ?? DEFAULT_SCOPES,
    caps,
    subject: order.subject,
    tokenHash: tokenHash(token),
    expiresAt: endOfToken(now, order.days),
    now,
  });
  write(`${token}\n`);
  say(`${name} is ${user.userId}. The token ends on ${dayOf(user.expiresAt)}; it is shown once.`);
  if (!wasClosed)
    say(`From now on everybody needs a token over HTTP, ${placeOf(surroundings)} as well.`);
}

async function set(order: UserOrder, { users, now, write }: UserSurroundings): Promise<void> {
  const { scopes, perDayUsd, perMonthUsd, days, subject } = order;
  if ([scopes, perDayUsd, perMonthUsd, days, subject].every((one) => one === undefined)) {
    throw new AppError(
      "invalid_input",
      "`users set` takes what is to be changed: --scopes, --budget-day, --budget-month, --days or --subject. Nothing was changed.",
    );
  }
  const user = await findActive(users, order.who);
  const changed = await users.change(
    user.userId,
    {
      caps: capsWith(user.caps, order),
      ...(scopes ? { scopes } : {}),
      ...(subject === undefined ? {} : { subject }),
      ...(days === undefined ? {} : { expiresAt: endOfToken(now, days) }),
    },
    now,
  );
  write(userLine(changed, now));
}

async function rotate({ who, days }: UserOrder, { users, now, write, say }: UserSurroundings) {
  const user = await findActive(users, who);
  const token = newToken();
  const next = { tokenHash: tokenHash(token), expiresAt: endOfToken(now, days) };
  const { expiresAt } = await users.rotate(user.userId, next, now);
  write(`${token}\n`);
  say(`The token before has ended. This one ends on ${dayOf(expiresAt)}; it is shown once.`);
}

async function revoke({ who }: UserOrder, { users, now, write }: UserSurroundings): Promise<void> {
  const user = await findActive(users, who);
  await users.revoke(user.userId, now);
  const name = user.name ?? user.userId;
  write(
    `${name} is revoked. What is theirs stays (\`users export\`, \`users erase ${user.userId}\`); whoever is added as ${name} is somebody else.\n`,
  );
}

async function open(_: UserOrder, surroundings: UserSurroundings): Promise<void> {
  await surroundings.door.reopen(surroundings.now);
  surroundings.write(
    `HTTP asks for no token any more ${placeOf(surroundings)}, unless LONGCAT_MCP_OAUTH_ISSUER is set.\n`,
  );
}

/** Where what is recorded of users holds. */
function placeOf({ settings }: UserSurroundings): string {
  return settings.database ? "on the machine of any replica" : "on this machine";
}
