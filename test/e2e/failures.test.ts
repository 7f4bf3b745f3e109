import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Fault } from "../../src/sandbox/sandbox-server.ts";
import { argumentsOf, asAdvised, nextOf, SQUARE, SYNC, TURBO } from "./advice.ts";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench, TEST_KEY } from "./harness.ts";
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

interface Case {
  fault: Fault;
  tool?: string;
  /** What is said of money, on a line of its own. */
  money: RegExp;
  /** What is said to do first. */
  first: RegExp;
  asksUser: boolean;
}

const NOTHING = /^Nothing was charged\.$/m;
const MAYBE = /^It may have been charged[:;]/m;
const CHARGED = /^The provider has charged for it\.$/m;

const CASES: Readonly<Record<string, Case>> = {
  "a request that is refused": {
    fault: { kind: "status", status: 400, body: { error: "Bad size" }, match: POST },
    money: NOTHING,
    first: /^Change what the provider's words above complain of, then /,
    asksUser: false,
  },
  "a prompt that is refused": {
    fault: { kind: "status", status: 400, body: { error: "NSFW content" }, match: POST },
    money: NOTHING,
    first: /^Reword the prompt or use another picture, then /,
    asksUser: false,
  },
  "a key that is refused": {
    fault: { kind: "status", status: 401, match: POST },
    money: NOTHING,
    first: /^Ask the user to check the key in PIXAZO_API_KEY for Pixazo .* doctor/,
    asksUser: true,
  },
  "an empty account": {
    fault: { kind: "status", status: 402, match: POST },
    money: NOTHING,
    first: /^Ask the user to top up the account of the key in PIXAZO_API_KEY at Pixazo/,
    asksUser: true,
  },
  "a subscription without it": {
    fault: { kind: "status", status: 403, match: POST },
    money: NOTHING,
    first: /^Ask the user to check the subscription of the key in PIXAZO_API_KEY at Pixazo/,
    asksUser: true,
  },
  "a fault of the provider's system": {
    fault: { kind: "job-error" },
    money: NOTHING,
    first: /^Wait a few minutes, then /,
    asksUser: false,
  },
  "a job that failed there": {
    fault: { kind: "job-failed", message: "CUDA error" },
    money: MAYBE,
    first: /^Ask the user before another try, since both may be charged/,
    asksUser: true,
  },
  "a job that ends without a file": {
    fault: { kind: "empty-media" },
    money: CHARGED,
    first: /^Ask the user before another try, since it is charged again/,
    asksUser: true,
  },
  "a file that is none": {
    fault: {
      kind: "media-body",
      body: "<!doctype html><p>No.</p>",
      contentType: "text/html",
      times: 0,
    },
    money: CHARGED,
    first:
      /^Call `job_status` with job_id "job_\w+" and `redownload: true`: .* ask the user before another try, since it is charged again/,
    asksUser: true,
  },
  "an answer without a picture": {
    fault: { kind: "sync-no-image" },
    tool: SYNC,
    money: MAYBE,
    first: /^Ask the user before another try, since both may be charged/,
    asksUser: true,
  },
  "a purchase whose outcome nobody knows": {
    fault: { kind: "reset-after", match: POST },
    money: /^It may have been charged; it is never sent again by itself/m,
    first:
      /^Ask the user to look into the provider's console\. .*call `job_status` with job_id "job_/,
    asksUser: true,
  },
  "the same of an operation that has no status": {
    fault: { kind: "reset-after", match: POST },
    tool: SYNC,
    money: /^It may have been charged; it is never sent again by itself/m,
    first: /^Ask the user to look into the provider's console\. To buy it anyway/,
    asksUser: true,
  },
};

describe("after a failure", () => {
  it.each(Object.entries(CASES))(
    "%s: the answer says what it cost and how to try again",
    async (name, one) => {
      const { tool = TURBO } = one;
      bench.sandbox.faults.add(one.fault);
      const args = argumentsOf(tool, name);
      const failed = await client.call(tool, args);
      const text = textOf(failed);
      expect(failed.isError).toBe(true);
      expect(text).toMatch(one.money);
      expect(nextOf(text)).toMatch(one.first);
      expect(/ask the user/i.test(nextOf(text))).toBe(one.asksUser);

      // The advice is not only words: it buys a new one, once.
      bench.sandbox.faults.clear();
      const posts = bench.posts;
      const again = await asAdvised(client, text, args);
      expect(textOf(again)).toMatch(/ completed in /);
      expect(jobIdOf(again)).not.toBe(jobIdOf(failed));
      expect(bench.posts).toBe(posts + 1);
    },
  );

  it.each<[string, Fault]>([
    ["refused", { kind: "status", status: 400, match: POST }],
    ["charged", { kind: "empty-media" }],
    ["in doubt", { kind: "reset-after", match: POST }],
  ])("with an idempotency key, %s: another key is named", async (name, fault) => {
    bench.sandbox.faults.add(fault);
    const args = { prompt: `With a key, ${name}`, ...SQUARE, idempotency_key: name };
    const failed = await client.call(TURBO, args);
    expect(nextOf(textOf(failed))).toContain("another `idempotency_key`");
    const again = await asAdvised(client, textOf(failed), args);
    expect(textOf(again)).toMatch(/ completed in /);
    expect(jobIdOf(again)).not.toBe(jobIdOf(failed));
  });

  it("a job that was cancelled says that nothing was charged and how to start it", async () => {
    const refusal = { status: 429, headers: { "Retry-After": "600" }, times: 0 };
    bench.sandbox.faults.add({ kind: "status", ...refusal, match: POST });
    const args = argumentsOf(TURBO, "Cancelled");
    // Whoever has been told to wait ten minutes sends nothing more before.
    const told = (await bench.connect("sdk 1.x")).client;
    const waiting = await told.call(TURBO, { ...args, wait_seconds: 0 });
    const stopped = await told.call("job_cancel", { job_id: jobIdOf(waiting) });
    expect(textOf(stopped)).toContain("nothing was sent or charged");
    bench.sandbox.faults.clear();
    const text = textOf(await client.call("job_status", { job_id: jobIdOf(waiting) }));
    expect(text).toMatch(NOTHING);
    const again = await asAdvised(client, text, args);
    expect(textOf(again)).toMatch(/ completed in /);
  });

  it("a repeated call of one that failed is not invited to buy again without asking", async () => {
    bench.sandbox.faults.add({ kind: "job-failed", message: "CUDA error" });
    const args = argumentsOf(TURBO, "Repeated");
    const failed = await client.call(TURBO, args);
    const repeated = await client.call(TURBO, args);
    expect(jobIdOf(repeated)).toBe(jobIdOf(failed));
    expect(textOf(repeated)).toContain("nothing was bought again.");
    expect(textOf(repeated)).not.toContain("another picture of the same");
    expect(nextOf(textOf(repeated))).toMatch(/^Ask the user before another try/);
  });

  it("one that was started elsewhere is not said to be free", async () => {
    bench.sandbox.faults.add({ kind: "job-failed", message: "CUDA error" });
    const reply = await fetch(
      `${bench.sandbox.origin}/z-image-turbo-834/v1/z-image-turbo-request`,
      {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Ocp-Apim-Subscription-Key": TEST_KEY,
        },
        body: JSON.stringify(argumentsOf(TURBO, "From elsewhere")),
      },
    );
    const { request_id } = z.looseObject({ request_id: z.string() }).parse(await reply.json());
    const status = await client.call("job_status", { request_id, wait_seconds: 30 });
    const text = textOf(await finished(client, jobIdOf(status)));
    expect(text).toMatch(/^It may have been charged; what was started elsewhere/m);
    expect(text).not.toMatch(NOTHING);
  });
});

describe("over a limit of the user's", () => {
  it.each<[string, Record<string, string>, Record<string, unknown>]>([
    ["max_cost_usd", {}, { max_cost_usd: 0.01 }],
    ["the day's budget", { LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.01" }, {}],
    ["the month's budget", { LONGCAT_MCP_BUDGET_USD_PER_MONTH: "0.01" }, {}],
    ["the threshold", { LONGCAT_MCP_CONFIRM_ABOVE_USD: "0.01" }, {}],
  ])("%s: ask the user, and never raise it", async (_, env, args) => {
    const { client: limited } = await bench.connect("client 2.x", "stdio", env);
    const posts = bench.posts;
    const refused = await limited.call("longcat_image_generate", {
      prompt: "x",
      image_size: "square_1_1",
      ...args,
    });
    const text = textOf(refused);
    expect(text).toMatch(/^over_budget: /);
    expect(text).toMatch(/\$0\.13/);
    expect(nextOf(text)).toMatch(/\bask the user/i);
    expect(text).not.toMatch(/\b(?:raise|increase|lift|higher)\b/i);
    expect(text).toMatch(/nothing was sent/i);
    expect(bench.posts).toBe(posts);
  });
});
