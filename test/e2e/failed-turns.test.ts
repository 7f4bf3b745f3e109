import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../src/sandbox/sandbox-server.ts";
import { asAdvised, nextOf } from "./advice.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

const POST = { method: "POST" };

let bench: Bench;
let client: McpClient;

beforeAll(async () => {
  bench = await Bench.open();
  ({ client } = await bench.connect("client 2.x"));
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(() => bench.close());

describe("a turn of the delegate", () => {
  it.each<[string, Fault, RegExp]>([
    [
      "refused",
      { kind: "status", status: 400, body: { error: "Bad request" }, match: POST },
      /^Change what/,
    ],
    [
      "without a valid key",
      { kind: "status", status: 401, match: POST },
      /^Ask the user to check the key in LONGCAT_API_KEY for LongCat/,
    ],
    [
      "with an empty account",
      {
        kind: "status",
        status: 429,
        body: { error: { message: "No quota", code: "insufficient_quota" } },
        match: POST,
      },
      /^Ask the user to top up the account of the key in LONGCAT_API_KEY at LongCat/,
    ],
    [
      "with a key that may not do this",
      { kind: "status", status: 403, body: { error: "Not yours" }, match: POST },
      /^Ask the user to check the subscription of the key in LONGCAT_API_KEY at LongCat/,
    ],
    ["in doubt", { kind: "reset-after", match: POST }, /^If the answer is still wanted: Call/],
  ])("%s: says how to ask again, in the same thread", async (name, fault, first) => {
    bench.sandbox.faults.add(fault);
    const args = { prompt: `Say something ${name}` };
    const failed = await client.call("longcat_chat", args);
    expect(failed.isError).toBe(true);
    const text = textOf(failed);
    expect(nextOf(text)).toMatch(first);
    const again = await asAdvised(client, text, args);
    expect(textOf(again)).toMatch(/ completed in /);
    expect(jobIdOf(again)).not.toBe(jobIdOf(failed));
  });
});
