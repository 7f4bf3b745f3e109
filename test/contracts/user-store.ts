import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../../src/users/audit-log.ts";
import { newToken, tokenHash } from "../../src/users/token.ts";
import { DEFAULT_SCOPES, newUserId, tokenProblem } from "../../src/users/user.ts";
import type { NewUser } from "../../src/users/user-store.ts";
import { benchFor, type StoreKit } from "./kit.ts";

const NOW = 1_795_176_000_000;
const ISSUER = "https://login.example";
const NO_CAPS = { perDayUsd: undefined, perMonthUsd: undefined };

function newUser(change: Partial<NewUser> = {}): NewUser {
  return {
    userId: newUserId(),
    name: "ann",
    scopes: DEFAULT_SCOPES,
    caps: NO_CAPS,
    subject: undefined,
    tokenHash: tokenHash(newToken()),
    expiresAt: NOW + 1000,
    now: NOW,
    ...change,
  };
}

/** Holds an implementation of `UserStore` to everything that the program relies on. */
export function describeUserStore(kit: StoreKit): void {
  const bench = benchFor(kit);
  const eventsOf = (entries: readonly AuditEntry[]) =>
    entries.map(({ event, owner }) => (owner === undefined ? event : `${event} ${owner}`));
  const audited = async () => eventsOf((await bench.audit.read(0, 0, 100)).entries);

  describe("a user", () => {
    it("is found by the hash of the token, by all processes at once, with all that is known", async () => {
      const other = await bench.another();
      const given = newUser({
        scopes: ["chat"],
        caps: { perDayUsd: 1.5, perMonthUsd: undefined },
        subject: "sub-1",
      });
      const user = await bench.users.add(given);
      expect(user).toEqual({
        userId: given.userId,
        name: "ann",
        scopes: ["chat"],
        caps: { perDayUsd: 1.5 },
        subject: "sub-1",
        createdAt: NOW,
        tokenMadeAt: NOW,
        expiresAt: NOW + 1000,
      });
      expect(await other.users.byTokenHash(given.tokenHash)).toEqual(user);
      expect(await other.users.get(given.userId)).toEqual(user);
      expect(await other.users.list()).toEqual([user]);
      expect(await other.users.byTokenHash(tokenHash("another"))).toBeUndefined();
      expect(await other.users.get(newUserId())).toBeUndefined();
    });

    it("has a name that nobody else has, until revoked; whoever has it then is somebody else", async () => {
      const first = newUser();
      const second = newUser();
      await bench.users.add(first);
      await expect(bench.users.add(second)).rejects.toMatchObject({ code: "invalid_input" });
      expect(await bench.users.list()).toHaveLength(1);
      expect(await bench.users.byTokenHash(second.tokenHash)).toBeUndefined();
      await bench.users.revoke(first.userId, NOW + 1);
      const again = await bench.users.add(second);
      expect(again.userId).not.toBe(first.userId);
      expect((await bench.users.byTokenHash(first.tokenHash))?.userId).toBe(first.userId);
    });

    it("has one token, and what it was before is nobody's at once", async () => {
      const other = await bench.another();
      const given = newUser();
      await bench.users.add(given);
      const next = { tokenHash: tokenHash("next"), expiresAt: NOW + 9000 };
      const rotated = await bench.users.rotate(given.userId, next, NOW + 5);
      expect(rotated).toMatchObject({
        userId: given.userId,
        tokenMadeAt: NOW + 5,
        expiresAt: NOW + 9000,
      });
      expect(await other.users.byTokenHash(given.tokenHash)).toBeUndefined();
      expect(await other.users.byTokenHash(next.tokenHash)).toEqual(rotated);
    });

    it("is changed in what is named, and in nothing else", async () => {
      const given = newUser({ caps: { perDayUsd: 1, perMonthUsd: 2 } });
      const before = await bench.users.add(given);
      const { userId } = given;
      expect(await bench.users.change(userId, { scopes: ["jobs:read"] }, NOW)).toEqual({
        ...before,
        scopes: ["jobs:read"],
      });
      const caps = { perDayUsd: undefined, perMonthUsd: 7 };
      const later = { expiresAt: NOW + 7, caps, subject: "sub-2" };
      expect(await bench.users.change(userId, later, NOW)).toEqual({
        ...before,
        ...{ scopes: ["jobs:read"], caps: { perMonthUsd: 7 } },
        ...{ expiresAt: NOW + 7, subject: "sub-2" },
      });
    });

    it("that is revoked stays so: it is told of, and nothing of it is changed any more", async () => {
      const given = newUser();
      const { userId } = given;
      await bench.users.add(given);
      const revoked = await bench.users.revoke(userId, NOW + 3);
      expect(revoked.revokedAt).toBe(NOW + 3);
      expect(tokenProblem(revoked, NOW)).toBe("revoked");
      const next = { tokenHash: tokenHash("next"), expiresAt: NOW + 9000 };
      for (const change of [
        () => bench.users.rotate(userId, next, NOW),
        () => bench.users.change(userId, { expiresAt: NOW + 9 }, NOW),
        () => bench.users.revoke(userId, NOW),
      ]) {
        await expect(change()).rejects.toMatchObject({ code: "not_found" });
      }
      expect(await bench.users.byTokenHash(given.tokenHash)).toEqual(revoked);
      expect(await bench.users.byTokenHash(next.tokenHash)).toBeUndefined();
    });

    it("that is erased has no name and no token, and is in no list", async () => {
      const given = newUser({ subject: "sub-1" });
      await bench.users.add(given);
      expect(await bench.users.erased()).toEqual([]);
      await bench.users.forget(given.userId, NOW + 4);
      expect(await (await bench.another()).users.erased()).toEqual([given.userId]);
      expect(await bench.users.get(given.userId)).toMatchObject({
        ...{ name: undefined, revokedAt: NOW + 4, erasedAt: NOW + 4 },
      });
      expect(await bench.users.get(given.userId)).not.toHaveProperty("subject");
      expect(await bench.users.list()).toEqual([]);
      expect(await bench.users.byTokenHash(given.tokenHash)).toBeUndefined();
      await expect(bench.users.forget(given.userId, NOW)).rejects.toMatchObject({
        code: "not_found",
      });
    });

    it("is nobody's to change who does not exist", async () => {
      const next = { tokenHash: tokenHash("next"), expiresAt: NOW + 9000 };
      for (const change of [
        () => bench.users.rotate(newUserId(), next, NOW),
        () => bench.users.change(newUserId(), {}, NOW),
        () => bench.users.revoke(newUserId(), NOW),
        () => bench.users.forget(newUserId(), NOW),
      ]) {
        await expect(change()).rejects.toMatchObject({ code: "not_found" });
      }
      expect(await audited()).toEqual([]);
    });
  });

  describe("a login of an issuer", () => {
    const login = { issuer: ISSUER, subject: "sub-1" };

    it("is the user whom it is bound to, before or after the first start with the issuer", async () => {
      const early = await bench.users.add(newUser({ subject: "sub-1" }));
      await bench.users.noteIssuer(ISSUER, NOW);
      const late = await bench.users.add(newUser({ name: "bob", subject: "sub-2" }));
      expect((await bench.users.bySubject(login, NOW)).userId).toBe(early.userId);
      const second = { issuer: ISSUER, subject: "sub-2" };
      expect(await bench.users.bySubject(second, NOW)).toEqual(late);
    });

    it("of another issuer is somebody else", async () => {
      await bench.users.noteIssuer(ISSUER, NOW);
      const ann = await bench.users.add(newUser({ subject: "sub-1" }));
      await bench.users.noteIssuer("https://other.example", NOW + 1);
      const other = await bench.users.bySubject(
        { issuer: "https://other.example", subject: "sub-1" },
        NOW,
      );
      expect(other.userId).not.toBe(ann.userId);
      expect(other.name).toBeUndefined();
    });

    it("that is bound to nobody is an owner of its own, the same each time, and never who has its name", async () => {
      await bench.users.noteIssuer(ISSUER, NOW);
      const ann = await bench.users.add(newUser({ name: "ann" }));
      const login = { issuer: ISSUER, subject: "ann" };
      const other = await bench.another();
      const seen = await bench.users.bySubject(login, NOW);
      expect(seen).toMatchObject({ name: undefined, caps: NO_CAPS, subject: "ann" });
      expect(seen.userId).not.toBe(ann.userId);
      expect(await other.users.bySubject(login, NOW + 9)).toEqual(seen);
    });

    it("keeps what is its own when it is given a name", async () => {
      await bench.users.noteIssuer(ISSUER, NOW);
      const seen = await bench.users.bySubject(login, NOW);
      const named = await bench.users.add(newUser({ subject: "sub-1", scopes: ["chat"] }));
      expect(named).toMatchObject({ userId: seen.userId, name: "ann", scopes: ["chat"] });
      expect(await bench.users.list()).toEqual([named]);
    });

    it("is one user's only", async () => {
      const ann = await bench.users.add(newUser({ subject: "sub-1" }));
      const taken = { code: "invalid_input" };
      const add = bench.users.add(newUser({ name: "bob", subject: "sub-1" }));
      await expect(add).rejects.toMatchObject(taken);
      const bob = await bench.users.add(newUser({ name: "bob" }));
      const change = bench.users.change(bob.userId, { subject: "sub-1" }, NOW);
      await expect(change).rejects.toMatchObject(taken);
      await bench.users.revoke(ann.userId, NOW);
      await bench.users.change(bob.userId, { subject: "sub-1" }, NOW);
      await bench.users.noteIssuer(ISSUER, NOW);
      expect((await bench.users.bySubject(login, NOW)).userId).toBe(bob.userId);
    });

    it.each(["revoke", "forget"] as const)(
      "of a user after %s is refused, until a new user has it, who begins with nothing",
      async (how) => {
        const { userId } = await bench.users.add(newUser({ subject: "sub-1" }));
        await bench.users.noteIssuer(ISSUER, NOW);
        await bench.users[how](userId, NOW + 1);
        const blocked = await bench.users.bySubject(login, NOW + 2);
        expect(blocked).toMatchObject({ userId, revokedAt: NOW + 1 });
        const again = await bench.users.add(newUser({ subject: "sub-1" }));
        expect(again.userId).not.toBe(userId);
        expect((await bench.users.bySubject(login, NOW)).userId).toBe(again.userId);
      },
    );

    it("that was erased before the first start with an issuer is refused as well", async () => {
      const { userId } = await bench.users.add(newUser({ subject: "sub-1" }));
      await bench.users.forget(userId, NOW);
      await bench.users.noteIssuer(ISSUER, NOW);
      expect((await bench.users.bySubject(login, NOW)).revokedAt).toBe(NOW);
    });
  });

  describe("that users have existed", () => {
    it("stays recorded, whatever becomes of them", async () => {
      const other = await bench.another();
      expect(await other.users.everExisted()).toBe(false);
      const { userId } = await bench.users.add(newUser());
      expect(await other.users.everExisted()).toBe(true);
      await bench.users.revoke(userId, NOW);
      expect(await other.users.everExisted()).toBe(true);
      await bench.users.forget(userId, NOW);
      expect(await (await bench.another()).users.everExisted()).toBe(true);
    });

    it("counts from the first start with an issuer", async () => {
      await bench.users.noteIssuer(ISSUER, NOW);
      await bench.users.noteIssuer(ISSUER, NOW + 1);
      expect(await (await bench.another()).users.everExisted()).toBe(true);
      expect(await audited()).toEqual(["issuer_set"]);
    });

    it("is recorded as well where something else says so", async () => {
      await bench.users.noteClosed(NOW);
      await bench.users.noteClosed(NOW);
      expect(await (await bench.another()).users.everExisted()).toBe(true);
      await bench.users.reopen(NOW, () => undefined);
      expect(await bench.users.everExisted()).toBe(false);
    });

    it("is undone on purpose only, and not while there are users", async () => {
      const { userId } = await bench.users.add(newUser());
      let marks = 1;
      const unmark = () => {
        marks -= 1;
      };
      const early = bench.users.reopen(NOW, unmark);
      await expect(early).rejects.toMatchObject({ code: "invalid_input" });
      expect([await bench.users.everExisted(), marks]).toEqual([true, 1]);
      await bench.users.revoke(userId, NOW);
      await bench.users.reopen(NOW, unmark);
      expect([await bench.users.everExisted(), marks]).toEqual([false, 0]);
    });
  });

  it("every change of users is in the audit log, by an owner who is no name", async () => {
    const given = newUser({ subject: "sub-1" });
    const { userId } = given;
    await bench.users.add(given);
    await bench.users.change(userId, { scopes: [] }, NOW);
    await bench.users.rotate(userId, { tokenHash: tokenHash("x"), expiresAt: NOW }, NOW);
    await bench.users.noteIssuer(ISSUER, NOW);
    const seen = await bench.users.bySubject({ issuer: ISSUER, subject: "sub-9" }, NOW);
    await bench.users.revoke(seen.userId, NOW);
    await bench.users.forget(userId, NOW);
    await bench.users.reopen(NOW, () => undefined);
    expect(await audited()).toEqual([
      `user_added ${userId}`,
      `token_made ${userId}`,
      `user_changed ${userId}`,
      `token_rotated ${userId}`,
      "issuer_set",
      `subject_seen ${seen.userId}`,
      `user_revoked ${seen.userId}`,
      `user_revoked ${userId}`,
      `user_erased ${userId}`,
      "service_opened",
    ]);
  });
}
