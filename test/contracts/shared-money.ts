import { beforeEach, describe, expect, it } from "vitest";
import { tokenHash } from "../../src/users/token.ts";
import { DEFAULT_SCOPES, newUserId, type UserCaps } from "../../src/users/user.ts";
import { leftJob, NO_LIMITS, OWNER } from "../support/rig.ts";
import { BASE, benchFor, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Race, valuesOf } from "./racer.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const CENTS = 0.07;

/** What limits several users, each alone and all together. */
export function describeSharedMoney(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const add = async (name: string, caps: Partial<UserCaps> = {}) => {
    const user = await bench.users.add({
      ...{ userId: newUserId(), name, scopes: DEFAULT_SCOPES, subject: undefined, now: NOW },
      caps: { perDayUsd: undefined, perMonthUsd: undefined, ...caps },
      ...{ tokenHash: tokenHash(name), expiresAt: NOW + 1e9 },
    });
    return user.userId;
  };
  const purchase = (owner: string, reservedUsd: number | null, more: object = {}) =>
    leftJob({ baseUrl: BASE, owner, reservedUsd, createdAt: NOW, ...more });
  const rules = (limits: object = {}) => ({
    ...{ forceNew: true, limits: { ...NO_LIMITS, ...limits }, now: NOW },
  });
  const admit = (owner: string, usd: number | null, limits: object = {}, more: object = {}) =>
    bench.jobs.admit(purchase(owner, usd, more), "me", rules(limits));

  describe("money of several users", () => {
    let [anna, berta] = ["", ""];
    beforeEach(async () => {
      anna = await add("anna", { perDayUsd: 1 });
      berta = await add("berta", { perMonthUsd: 2 });
    });

    it("stands for each alone and for all together, deleted jobs included", async () => {
      await admit(anna, 0.25);
      await admit(berta, 0.5);
      await admit(OWNER, 0.125);
      const gone = purchase(berta, 1, { state: "completed", charge: "spent", costUsd: 1 });
      await bench.jobs.admit(gone, "me", rules());
      await bench.jobs.delete(berta, [gone.jobId], { withFiles: false, now: NOW });
      const all = { todayUsd: 1.875, thisMonthUsd: 1.875 };
      expect(await bench.jobs.committed(anna, NOW)).toEqual({
        ...{ todayUsd: 0.25, thisMonthUsd: 0.25 },
        shared: { all, caps: { perDayUsd: 1, perMonthUsd: undefined } },
      });
      expect(await bench.jobs.committed(OWNER, NOW)).toEqual({
        ...{ todayUsd: 0.125, thisMonthUsd: 0.125 },
        shared: { all, caps: { perDayUsd: undefined, perMonthUsd: undefined } },
      });
    });

    it("keeps within each one's own cap, exactly, and is refused with own amounts", async () => {
      await admit(berta, 1.75);
      await admit(anna, 0.9);
      await expect(admit(anna, 0.11)).rejects.toMatchObject({
        code: "over_budget",
        message: expect.stringContaining("$0.90 of the $1.00 of this user's budget a day"),
      });
      expect(await admit(anna, 0.1)).toEqual({ kind: "new" });
      await expect(admit(berta, 0.26)).rejects.toThrow("$1.75 of the $2.00");
      expect(await admit(berta, 0.25)).toEqual({ kind: "new" });
    });

    it("keeps within the cap of all together, whose refusal names no amounts of it", async () => {
      const limits = { perDayUsd: 0.6, perMonthUsd: 0.6 };
      await admit(berta, 0.4, limits);
      const refused = await admit(anna, 0.21, limits).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "over_budget" });
      const words = `${refused}`;
      expect(words).toContain("LONGCAT_MCP_BUDGET_USD_PER_DAY, which is for all users together");
      expect(words.match(/\$[\d.]+/g)).toEqual(["$0.21"]);
      expect(await admit(anna, 0.2, limits)).toEqual({ kind: "new" });
      await expect(admit(OWNER, 0.01, limits)).rejects.toMatchObject({ code: "over_budget" });
    });

    it("is not asked about what costs nothing, however much is spent", async () => {
      await admit(anna, 1);
      const free = { charge: "none" };
      expect(await admit(anna, null, { perDayUsd: 0.5 }, free)).toEqual({ kind: "new" });
      expect(await admit(anna, 0, { perDayUsd: 0.5 }, free)).toEqual({ kind: "new" });
      await expect(admit(anna, null)).rejects.toThrow("this user's budget a day cannot be kept");
    });

    it("follows a cap that is changed, at once", async () => {
      await admit(anna, 1);
      await expect(admit(anna, 0.5)).rejects.toMatchObject({ code: "over_budget" });
      const other = await bench.another();
      const caps = { perDayUsd: 1.5, perMonthUsd: undefined };
      await other.users.change(anna, { caps }, NOW);
      expect(await admit(anna, 0.5)).toEqual({ kind: "new" });
      await other.users.change(anna, { caps: { ...caps, perDayUsd: 0 } }, NOW);
      await expect(admit(anna, 0.01)).rejects.toMatchObject({ code: "over_budget" });
    });

    it("is nothing that quotas stand back for: as many jobs run as may, in two processes", async () => {
      const quotas = { runningJobs: 5, keptBytes: undefined };
      const by = (holder: string): Race => ({
        ...{ store: "jobs", method: "admit" },
        calls: Array.from({ length: 20 }, (_, n) => [
          purchase(anna, 0.01, { fingerprint: `${holder} ${n}` }),
          holder,
          { ...rules(), quotas },
        ]),
      });
      const found = (await race(bench.place, by("one"), by("two"))).flat();
      expect(valuesOf(found)).toEqual(Array.from({ length: 5 }, () => ({ kind: "new" })));
      expect(new Set(codesOf(found))).toEqual(new Set(["rate_limited"]));
      expect(await bench.jobs.held(anna)).toEqual({ runningJobs: 5, keptBytes: 0 });
      expect(await bench.jobs.admit(purchase(berta, 0.01), "me", { ...rules(), quotas })).toEqual({
        kind: "new",
      });
    });

    it("buys nothing for one whose finished files are too many bytes, and an ended job is none that runs", async () => {
      const medium = {
        index: 1,
        url: "",
        path: "/a",
        mimeType: "image/png",
        sha256: "",
        copies: [],
      };
      const media = [
        { ...medium, sizeBytes: 600 },
        { ...medium, index: 2, sizeBytes: 400 },
      ];
      await admit(anna, 0.01, {}, { state: "completed", charge: "spent", media });
      expect(await bench.jobs.held(anna)).toEqual({ runningJobs: 0, keptBytes: 1_000 });
      const full = { ...rules(), quotas: { runningJobs: 1, keptBytes: 1_000 } };
      await expect(bench.jobs.admit(purchase(anna, 0.01), "me", full)).rejects.toMatchObject({
        code: "storage",
      });
      expect(await bench.jobs.admit(purchase(berta, 0.01), "me", full)).toEqual({ kind: "new" });
    });

    it("is never above any cap by a cent, whoever races for it in two processes", async () => {
      const limits = { perDayUsd: 1.5 };
      const calls = (holder: string, owner: string) =>
        Array.from({ length: 40 }, (_, n) => [
          purchase(owner, CENTS, { fingerprint: `${holder} ${owner} ${n}` }),
          holder,
          rules(limits),
        ]);
      const by = (holder: string): Race => ({
        ...{ store: "jobs", method: "admit" },
        calls: [...calls(holder, anna), ...calls(holder, berta), ...calls(holder, OWNER)],
      });
      const found = (await race(bench.place, by("one"), by("two"))).flat();
      // The cap of all lets 21 of seven cents in, anna's own 14 of them.
      expect(valuesOf(found)).toEqual(Array.from({ length: 21 }, () => ({ kind: "new" })));
      expect(new Set(codesOf(found))).toEqual(new Set(["over_budget"]));
      const { shared, todayUsd } = await bench.jobs.committed(anna, NOW);
      expect(shared?.all.todayUsd).toBe(1.47);
      expect(todayUsd).toBeLessThanOrEqual(1);
    });
  });
}
