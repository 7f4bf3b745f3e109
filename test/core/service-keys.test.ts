import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import {
  isSendable,
  missingKey,
  missingOwnKey,
  SERVICE_KEYS,
  sendableKey,
} from "../../src/core/service-keys.ts";

const KINDS = ["apiKey", "chatApiKey"] as const;

describe.each(KINDS)("%s", (kind) => {
  const { env, purpose } = SERVICE_KEYS[kind];

  it("is named with its variable where it is missing, and what works without", () => {
    const error = missingKey(kind);
    expect(error.code).toBe("configuration");
    expect(error.message).toBe(`No API key for ${purpose} is set: ${env} is missing.`);
    expect(error.next).toContain(`${env}_FILE`);
    expect(error.next).toContain("--sandbox");
  });

  it("may have been meant by something else", () => {
    expect(missingKey(kind, "KEY is set, which nothing reads.").message).toMatch(
      /is missing\. KEY is set, which nothing reads\.$/,
    );
  });

  it("of a user is asked for where a user's keys lie", () => {
    expect(missingOwnKey(kind).message).toContain(`${env} is missing.`);
    const { message, next } = missingOwnKey(kind, "has a blank in it");
    expect(message).toContain(`${env} has a blank in it.`);
    expect(next).toContain("LONGCAT_MCP_KEYS_DIR");
    expect(next).toContain("Nothing was sent");
  });

  it.each(["abc", "sk-1234_~!", "a".repeat(500)])("can be %j", (value) => {
    expect(sendableKey(kind, value)).toBe(value);
    expect(isSendable(value)).toBe(true);
  });

  it.each([undefined, ""])("is missing where it is %j", (value) => {
    expect(() => sendableKey(kind, value)).toThrow(missingKey(kind).message);
    expect(isSendable(value)).toBe(false);
  });

  it.each(["a b", "“abc”", "abc\n", "abc\r\nX-Other: 1", "schlüssel", "\u0000"])(
    "is refused as %j, and not shown",
    (value) => {
      expect(isSendable(value)).toBe(false);
      let error: unknown;
      try {
        sendableKey(kind, value);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: "configuration" });
      expect(JSON.stringify(error)).not.toContain(JSON.stringify(value).slice(1, -1));
    },
  );
});
