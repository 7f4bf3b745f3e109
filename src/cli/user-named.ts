import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { User } from "../users/user.ts";
import type { UserStore } from "../users/user-store.ts";

/**
 * Who is meant by a name or an id: of those with one name who is not revoked.
 * @throws {not_found} @throws {invalid_input} where several were, and all are revoked
 */
export async function findUser(users: Pick<UserStore, "list">, who: string): Promise<User> {
  const known = (await users.list()).filter(({ name, userId }) => name === who || userId === who);
  const active = known.find(({ revokedAt }) => revokedAt === undefined);
  const [found, ...others] = active ? [active] : known;
  if (!found) {
    throw new AppError("not_found", `There is no user "${oneLine(who, 80)}".`, {
      next: "`longcat-mcp users list` shows who there is.",
    });
  }
  if (others.length === 0) return found;
  const ids = known.map(({ userId }) => userId).join(", ");
  throw new AppError(
    "invalid_input",
    `Several users were named ${oneLine(who, 80)}: say which of ${ids}. Nothing was changed.`,
  );
}

/** As {@link findUser}, for what only users who may call can be told. @throws {invalid_input} */
export async function findActive(users: Pick<UserStore, "list">, who: string): Promise<User> {
  const user = await findUser(users, who);
  if (user.revokedAt === undefined) return user;
  const name = user.name ?? user.userId;
  throw new AppError(
    "invalid_input",
    `${name} is revoked, which is for good. Nothing was changed.`,
    {
      next: `\`longcat-mcp users add ${name}\` makes a new user of that name, who begins with nothing.`,
    },
  );
}
