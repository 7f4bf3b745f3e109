import { expect, test } from "vitest";
import { createLog, errorWords } from "../../src/core/log.ts";
import { createRedact } from "../../src/core/redact.ts";

const KEY = "key-0123456789abcdef";

async function lineOf(err: unknown): Promise<string> {
  return new Promise((resolve) => {
    createLog("error", createRedact([KEY]), resolve).error({ err }, "something failed");
  });
}

test("an error is logged in its own words: none of its fields, no key", async () => {
  const cause = Object.assign(new Error(`cause ${KEY}`), { headers: "hidden" });
  const error = Object.assign(new Error(`first\nsecond ${KEY}`, { cause }), {
    code: "E_SOME",
    headers: { authorization: "hidden" },
    request: "hidden",
  });
  const line = await lineOf(error);
  expect(line).not.toContain(KEY);
  expect(line).not.toContain("hidden");
  expect(line.trimEnd()).not.toContain("\n");
  expect(JSON.parse(line)).toMatchObject({
    msg: "something failed",
    err: { message: "Error: first\nsecond [key removed]", code: "E_SOME" },
  });
});

test.each([{ headers: "hidden" }, undefined, null, Symbol("hidden"), () => "hidden"])(
  "what is no error says nothing of itself: %s",
  async (thrown) => {
    expect(errorWords(thrown)).toMatch(/^something that is no error/);
    expect(await lineOf(thrown)).not.toContain("hidden");
  },
);

test("words that cannot be read are none", () => {
  const error = new Error("x");
  Object.defineProperty(error, "message", {
    get() {
      throw new Error("no");
    },
  });
  expect(errorWords(error)).toMatch(/^something that is no error/);
  expect(errorWords("x".repeat(10_000)).length).toBeLessThan(2_100);
});
