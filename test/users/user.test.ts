import { describe, expect, it } from "vitest";
import { isToken, newToken, tokenHash } from "../../src/users/token.ts";
import {
  checkedName,
  DEFAULT_SCOPES,
  endOfToken,
  isUserId,
  newUserId,
  tokenProblem,
} from "../../src/users/user.ts";

describe("a user's name", () => {
  it.each(["a", "ann", "ann.b-c_d", "0", "9lives", "a.b.c", "a".repeat(64)])(
    "may be %s",
    (name) => {
      expect(checkedName(name)).toBe(name);
    },
  );

  it.each([
    "",
    "Ann",
    ".ann",
    "-ann",
    "_ann",
    "an n",
    "ann/bob",
    "ann\\bob",
    "..",
    "a..b",
    "ann..",
    "ann\n",
    "änn",
    "a".repeat(65),
    "ann\u0000",
    "аnn",
  ])("cannot be %j", (name) => {
    expect(() => checkedName(name)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});

describe("a token", () => {
  it("is known by its beginning, has 128 random bits at least, and is never the same", () => {
    const tokens = new Set(Array.from({ length: 100 }, newToken));
    expect(tokens.size).toBe(100);
    for (const token of tokens) {
      expect(token).toMatch(/^lcmcp_[a-z2-7]{32}$/);
      expect(isToken(token)).toBe(true);
    }
  });

  it.each(["", "lcmcp_", "lcmcp_abc", `xlcmcp_${"a".repeat(32)}`, `lcmcp_${"a".repeat(33)}`])(
    "is not %j",
    (text) => {
      expect(isToken(text)).toBe(false);
    },
  );

  it("is kept as the SHA-256 of all of it", () => {
    expect(tokenHash("abc")).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  it("ends after a year, or as many days as are wanted", () => {
    expect(endOfToken(0)).toBe(365 * 86_400_000);
    expect(endOfToken(5, 1)).toBe(86_400_005);
  });

  it("is refused from the moment of its end, and of its user's end", () => {
    const expiresAt = 10;
    expect(tokenProblem({ revokedAt: undefined, expiresAt }, 9)).toBeUndefined();
    expect(tokenProblem({ revokedAt: undefined, expiresAt }, 10)).toBe("expired");
    expect(tokenProblem({ revokedAt: 1, expiresAt }, 9)).toBe("revoked");
    expect(tokenProblem({ revokedAt: undefined, expiresAt: undefined }, 9)).toBeUndefined();
  });
});

it("a user is told from others by an id that is no name and fits a folder", () => {
  const id = newUserId();
  expect(id).toMatch(/^user_[a-z2-7]{26}$/);
  expect(isUserId(id)).toBe(true);
  expect(isUserId("ann")).toBe(false);
  expect(newUserId()).not.toBe(id);
});

it("may do all but administer unless told otherwise", () => {
  expect(DEFAULT_SCOPES).toEqual(["jobs:read", "jobs:buy", "chat"]);
});
