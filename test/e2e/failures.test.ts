import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Fault } from "../../src/sandbox/sandbox-server.ts";
import { Bench, finished, jobIdOf, type McpClient, TEST_KEY, textOf } from "./harness.ts";

const TURBO = "z_image_turbo_generate";
const SQUARE = { image_size: "square_1_1" };
const SYNC = "qwen_image_generate";
const POST = { method: "POST" };

type Arguments = Record<string, unknown>;

let bench: Bench;
/** Asks a real provider, as far as it knows; and one that asks its own sandbox. */
let client: McpClient;
let sandboxed: McpClient;

beforeAll(async () => {
  bench = await Bench.open();
  ({ client } = await bench.connect("client 2.x"));
  const env = {
    LONGCAT_MCP_SANDBOX: "on",
    LONGCAT_MCP_SANDBOX_SPEED: "20",
    PIXAZO_API_KEY: "",
    LONGCAT_API_KEY: "",
  };
  ({ client: sandboxed } = await bench.connect("sdk 1.x", "stdio", env));
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(() => bench.close());

/** The last line but the addresses: what a reader is told to do. */
function nextOf(text: string): string {
  return /^Next: (.*)$/m.exec(text)?.[1] ?? "";
}

/** Calls as an answer says one should: the tool it names, with the arguments it names. */
async function asAdvised(client: McpClient, text: string, args: Arguments) {
  const [, tool = "", how = ""] =
    /[Cc]all `(\w+)` again((?: with| and|,| the same arguments| the same prompt| `[^`]*`| another)*)/.exec(
      nextOf(text),
    ) ?? [];
  const { idempotency_key: key, ...others } = args;
  const repeats = how.includes("the same");
  const [, threadId] = /`thread_id: "([^"]+)"`/.exec(how) ?? [];
  return client.call(tool, {
    ...others,
    ...(repeats
      ? {}
      : { prompt: `Other than ${String(args["prompt"]).replace(/ \[\[.*\]\]/, "")}` }),
    ...(how.includes("`force_new: true`") ? { force_new: true } : {}),
    ...(threadId === undefined ? {} : { thread_id: threadId }),
    ...(key === undefined
      ? {}
      : { idempotency_key: `${String(key)}${how.includes("another `") ? " again" : ""}` }),
  });
}

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
    first: /^Ask the user before another try, since it is charged again/,
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

const argumentsOf = (tool: string, prompt: string): Arguments =>
  tool === TURBO ? { prompt, ...SQUARE } : { prompt };

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
  it.each<[string, Record<string, string>, Arguments]>([
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

describe("in the sandbox", () => {
  const FREE = /^(?:Note: )?SANDBOX, nothing was charged\.$/gm;
  /** Nobody has an account there. */
  const WORDS =
    /console|charg|settle|top up|account|subscription|bill|\bpaid\b|\bpay\b|bought|buy/i;

  it.each([
    ["status=400", TURBO],
    ["status=401", TURBO],
    ["status=402", TURBO],
    ["status=403", TURBO],
    ["status=500", TURBO],
    ["reset-after", TURBO],
    ["not-json", TURBO],
    ["job-failed=CUDA error", TURBO],
    ["job-failed=NSFW content", TURBO],
    ["job-error", TURBO],
    ["empty-media", TURBO],
    ["sync-no-image", SYNC],
    ["reset-after", SYNC],
    ["status=400", "longcat_chat"],
    ["status=401", "longcat_chat"],
    ["status=402", "longcat_chat"],
    ["reset-after", "longcat_chat"],
    ["not-json", "longcat_chat"],
  ])("%s of %s: no word of consoles or charges, and how to try again", async (fault, tool) => {
    const args = argumentsOf(tool, `A boat for ${tool} [[fault:${fault};times=1]]`);
    const failed = await sandboxed.call(tool, args);
    const text = textOf(failed);
    expect(failed.isError).toBe(true);
    expect(text).toMatch(FREE);
    // The imitated provider's own words are its own.
    const ours = text.replace(FREE, "").replace(/^job_.*$/m, "");
    expect(ours).not.toMatch(WORDS);
    const again = await asAdvised(sandboxed, text, args);
    expect(textOf(again)).toMatch(/ completed in /);
    expect(jobIdOf(again)).not.toBe(jobIdOf(failed));
  });
});

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
