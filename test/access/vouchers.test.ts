import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Logins } from "../../src/access/logins.ts";
import { UserAuthenticator } from "../../src/access/user-authenticator.ts";
import type { Scope } from "../../src/core/caller.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteUserStore } from "../../src/storage/sqlite/sqlite-user-store.ts";
import { newToken, tokenHash } from "../../src/users/token.ts";
import { newUserId } from "../../src/users/user.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const DAY_MS = 86_400_000;
const ISSUER = "https://login.example";

/** Servers on one record, and somebody who has a token of ours and logins of the issuer. */
async function opened() {
  const clock = new FakeClock();
  const connection = new Connection(join(await tempDir(), "data"));
  onTestFinished(() => connection.close());
  const users = new SqliteUserStore(connection);
  const token = newToken();
  const { userId } = await users.add({
    ...{ userId: newUserId(), name: "ada", caps: { perDayUsd: undefined, perMonthUsd: undefined } },
    ...{ scopes: ["jobs:read", "chat"], subject: undefined, tokenHash: tokenHash(token) },
    ...{ expiresAt: clock.now() + DAY_MS, now: clock.now() },
  });
  const logins = new (class extends Logins {
    override async read(subject: string) {
      const scopes: ReadonlySet<Scope> = new Set(["jobs:read"]);
      return { subject, scopes, endsAt: clock.now() + DAY_MS };
    }
  })({ issuer: ISSUER, audience: "https://own.example/mcp" }, async () => ({}), clock);
  const server = (its: Logins | undefined = logins) =>
    new UserAuthenticator({
      ...{ users, logins: its, clock, refused: { note: () => {} }, isClosed: async () => true },
    });
  const vouched = async (by: string) => {
    const verified = await server().verify(by);
    return "refused" in verified ? expect.fail(verified.refused) : (verified.voucher ?? "");
  };
  return { clock, users, userId, token, server, vouched };
}

/** What looks like a token of an issuer; its subject is the whole of it here. */
const LOGIN = "ada.at.issuer";

it.each(["a token", "a login"])("what %s has vouched for is good at another server", async (by) => {
  const { server, vouched, token } = await opened();
  const given = by === "a token" ? token : LOGIN;
  const first = await server().verify(given);
  const voucher = await vouched(given);
  expect(voucher).not.toContain(token);
  expect(await server().again(voucher)).toMatchObject({
    ...("refused" in first ? {} : { caller: first.caller, endsAt: first.endsAt, id: first.id }),
  });
});

it("a voucher ends with its token: another one, other scopes, its time, or no user any more", async () => {
  const { server, vouched, users, userId, token, clock } = await opened();
  const voucher = await vouched(token);
  await users.change(userId, { scopes: ["jobs:read"] }, clock.now());
  expect(await server().again(voucher)).toBeUndefined();
  const less = await vouched(token);
  expect(await server().again(less)).toBeDefined();
  const next = newToken();
  const end = clock.now() + DAY_MS;
  await users.rotate(userId, { tokenHash: tokenHash(next), expiresAt: end }, clock.now());
  expect(await server().again(less)).toBeUndefined();
  const last = await vouched(next);
  clock.jump(DAY_MS);
  expect(await server().again(last)).toBeUndefined();
  clock.jump(-DAY_MS);
  expect(await server().again(last)).toBeDefined();
  await users.revoke(userId, clock.now());
  expect(await server().again(last)).toBeUndefined();
});

it("a voucher ends with its login, and counts only where that issuer is asked", async () => {
  const { server, vouched, users, clock } = await opened();
  const voucher = await vouched(LOGIN);
  const other = new Logins(
    { issuer: "https://another.example", audience: "https://own.example/mcp" },
    async () => ({}),
    clock,
  );
  expect(await server(other).again(voucher)).toBeUndefined();
  const user = await users.bySubject({ issuer: ISSUER, subject: LOGIN }, clock.now());
  await users.revoke(user.userId, clock.now());
  expect(await server().again(voucher)).toBeUndefined();
  const later = await vouched("eve.at.issuer");
  clock.jump(DAY_MS);
  expect(await server().again(later)).toBeUndefined();
});
