import { describe, expect, it } from "vitest";
import { dayOf, listedUser, userLine } from "../../src/cli/user-list.ts";
import { capsWith, readUserOrder } from "../../src/cli/user-options.ts";
import type { User } from "../../src/users/user.ts";

const order = (line: string, flags: Record<string, string> = {}) =>
  readUserOrder(
    line.split(" ").filter((word) => word !== ""),
    flags,
  );

function refusal(line: string, flags: Record<string, string> = {}): string {
  try {
    order(line, flags);
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_input" });
    expect(String(error)).toContain("Nothing was changed");
    return error instanceof Error ? error.message : "";
  }
  return expect.fail(`${line} was taken`);
}

describe("what is to be done with users", () => {
  it("is to list them where nothing is said", () => {
    expect(order("")).toEqual({
      ...{ action: "list", who: "", json: false, force: false, to: undefined },
      ...{ scopes: undefined, perDayUsd: undefined, perMonthUsd: undefined },
      ...{ days: undefined, subject: undefined },
    });
  });

  it("is all that the options say", () => {
    const flags = {
      scopes: "chat, jobs:read",
      "budget-day": "0.50",
      "budget-month": "none",
      days: "30",
    };
    expect(order("add anna", { ...flags, subject: "auth0|7" })).toMatchObject({
      ...{
        action: "add",
        who: "anna",
        scopes: ["jobs:read", "chat"],
        days: 30,
        subject: "auth0|7",
      },
      ...{ perDayUsd: { usd: 0.5 }, perMonthUsd: { usd: undefined } },
    });
    expect(order("list", { json: "true" }).json).toBe(true);
    expect(order("erase anna", { force: "true" }).force).toBe(true);
    expect(order("export anna", { to: "dir" }).to).toBe("dir");
  });

  it.each([
    ["ad anna", "did you mean add?"],
    ["frobnicate", "there are list, add, set"],
    ["toString", "is nothing to do with users"],
    ["add", "Usage: `longcat-mcp users add <name>`."],
    ["add anna ben", "Usage: `longcat-mcp users add <name>`."],
    ["list anna", "Usage: `longcat-mcp users list`."],
    ["open anna", "Usage: `longcat-mcp users open`."],
    ["add Anna", "cannot be a user's name"],
    ["add ../x", "cannot be a user's name"],
    ["add a..b", "cannot be a user's name"],
    [`add ${"a".repeat(65)}`, "cannot be a user's name"],
  ])("is not %j", (line, why) => {
    let message = "";
    try {
      order(line);
    } catch (error) {
      message = error instanceof Error ? error.message : "";
    }
    expect(message).toContain(why);
  });

  it.each([
    ["revoke anna", { days: "5" }, "--days does not belong to `users revoke`."],
    ["list", { force: "true" }, "--force does not belong to `users list`."],
    ["rotate anna", { scopes: "chat" }, "--scopes does not belong to `users rotate`."],
    ["add anna", { scopes: "chat,root" }, '"root" is no scope'],
    ["add anna", { scopes: "" }, '"" is no scope'],
    ["add anna", { "budget-day": "-1" }, '"-1" is no cap: --budget-day takes US dollars'],
    ["add anna", { "budget-day": "1e3" }, "is no cap"],
    ["add anna", { "budget-month": "5 $" }, "is no cap: --budget-month"],
    ["add anna", { "budget-month": "1234567890" }, "is no cap"],
    ["add anna", { days: "0" }, "--days takes 1 to 3650"],
    ["add anna", { days: "3651" }, "--days takes 1 to 3650"],
    ["add anna", { days: "1.5" }, "--days takes 1 to 3650"],
    ["add anna", { subject: "" }, "--subject takes the `sub` of a login"],
    ["add anna", { subject: "a\nb" }, "--subject takes"],
    ["add anna", { subject: "x".repeat(256) }, "up to 255 characters"],
    ["list", { json: "yes" }, "--json stands alone."],
  ])("is not %j with %j", (line, flags, why) => {
    expect(refusal(line, flags)).toContain(why);
  });
});

describe("caps", () => {
  const caps = { perDayUsd: 1, perMonthUsd: 10 };

  it("are changed where they are spoken of, and taken away by none", () => {
    expect(capsWith(caps, order("set anna"))).toEqual(caps);
    expect(capsWith(caps, order("set anna", { "budget-day": "2" }))).toEqual({
      ...caps,
      perDayUsd: 2,
    });
    expect(
      capsWith(caps, order("set anna", { "budget-day": "none", "budget-month": "0" })),
    ).toEqual({
      ...{ perDayUsd: undefined, perMonthUsd: 0 },
    });
  });
});

describe("a user as a list shows them", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  const user = (more: Partial<User> = {}): User => ({
    ...{ userId: "user_a", name: "anna", scopes: ["chat"], createdAt: now, tokenMadeAt: now },
    ...{ caps: { perDayUsd: undefined, perMonthUsd: undefined }, expiresAt: now + 1 },
    ...{ revokedAt: undefined, erasedAt: undefined },
    ...more,
  });

  it.each([
    [{}, ["anna", "user_a", "active until 2026-11-20", "chat", "no cap"]],
    [{ expiresAt: now }, ["expired since 2026-11-20"]],
    [{ expiresAt: undefined }, ["active  chat"]],
    [{ revokedAt: now - 86_400_000 }, ["revoked since 2026-11-19"]],
    [{ name: undefined }, ["(no name)"]],
    [{ scopes: [] }, ["(no scopes)"]],
    [{ caps: { perDayUsd: 0.5, perMonthUsd: 20 } }, ["$0.5 a day, $20 a month"]],
    [{ subject: "auth0|7\u202e" }, ["subject auth0|7"]],
  ] as const)("with %j", (more, words) => {
    const line = userLine(user(more), now);
    expect(line).toMatch(/^[^\n]*\n$/);
    for (const word of words) expect(line).toContain(word);
  });

  it("as JSON, without a token, and with null for what there is not", () => {
    expect(listedUser(user({ name: undefined, expiresAt: undefined }), now)).toEqual({
      ...{ name: null, user_id: "user_a", state: "active", scopes: ["chat"] },
      budget: { per_day_usd: null, per_month_usd: null },
      ...{ issuer: null, subject: null, expires_at: null, revoked_at: null },
      ...{ created_at: "2026-11-20T12:00:00.000Z", token_made_at: "2026-11-20T12:00:00.000Z" },
    });
  });

  it("with the day of a time", () => {
    expect(dayOf(now)).toBe("2026-11-20");
    expect(dayOf(undefined)).toBe("no day");
  });
});
