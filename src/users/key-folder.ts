import type { UserStore } from "./user-store.ts";

/**
 * The name of the folder that has an owner's own keys. What a revoked user has bought is looked at
 * with them still, until somebody else has the name: keys are never those of another person.
 * @returns `undefined` for an owner without a name.
 */
export async function keyFolderOf(
  users: Pick<UserStore, "get" | "list">,
  owner: string,
): Promise<string | undefined> {
  const user = await users.get(owner);
  if (user?.name === undefined || user.revokedAt === undefined) return user?.name;
  const all = await users.list();
  const isTaken = all.some(({ name, revokedAt }) => name === user.name && revokedAt === undefined);
  return isTaken ? undefined : user.name;
}
