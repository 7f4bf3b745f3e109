import { expect, it } from "vitest";
import { keyFolderOf } from "../../src/users/key-folder.ts";
import type { User } from "../../src/users/user.ts";

const user = (userId: string, name: string | undefined, revokedAt?: number): User => ({
  ...{ userId, name, revokedAt, scopes: [], createdAt: 1 },
  caps: { perDayUsd: undefined, perMonthUsd: undefined },
  ...{ tokenMadeAt: 1, expiresAt: 2, erasedAt: undefined },
});

const store = (...users: User[]) => ({
  get: async (id: string) => users.find(({ userId }) => userId === id),
  list: async () => users.filter(({ erasedAt }) => erasedAt === undefined),
});

it("keys lie in the folder of the user's name; who has no name has none", async () => {
  const users = store(user("user_a", "anna"), user("user_b", undefined));
  expect(await keyFolderOf(users, "user_a")).toBe("anna");
  expect(await keyFolderOf(users, "user_b")).toBeUndefined();
  expect(await keyFolderOf(users, "user_c")).toBeUndefined();
});

it("a revoked user has them until somebody else has the name", async () => {
  const gone = user("user_a", "anna", 5);
  expect(await keyFolderOf(store(gone), "user_a")).toBe("anna");
  const users = store(gone, user("user_b", "anna"));
  expect(await keyFolderOf(users, "user_a")).toBeUndefined();
  expect(await keyFolderOf(users, "user_b")).toBe("anna");
});
