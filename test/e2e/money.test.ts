import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench, PATIENTLY } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";
import { WAYS } from "./ways.ts";

const LONGCAT = { prompt: "A small boat at sea", image_size: "landscape_4_3" };

const TURBO = "z_image_turbo_generate";

/** How often a race for the last dollar is run. */
const MONTHS = 20;

let bench: Bench;

async function spending(client: McpClient): Promise<Record<string, unknown>> {
  return (await client.call("spending", {})).structuredContent ?? {};
}

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

describe.each(WAYS)("a repeated call, $kind over $transport", ({ kind, transport }) => {
  test("brings the same job and says how to buy another", async () => {
    const { client } = await bench.connect(kind, transport);
    const first = await client.call("longcat_image_generate", LONGCAT);
    const again = await client.call("longcat_image_generate", LONGCAT);
    expect(jobIdOf(again)).toBe(jobIdOf(first));
    expect(textOf(again)).toMatch(
      /identical call \d+ s ago.*nothing was bought again.*`force_new: true`/,
    );
    expect(again.content.map((block) => block.type)).toEqual(["text", "image", "resource_link"]);
    expect(bench.posts).toBe(1);

    const another = await client.call("longcat_image_generate", { ...LONGCAT, force_new: true });
    expect(jobIdOf(another)).not.toBe(jobIdOf(first));
    expect(bench.posts).toBe(2);
  });

  test("after a call that was given up buys nothing", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 500, match: { path: "/v2/requests" } });
    const { client } = await bench.connect(kind, transport);
    const giveUp = new AbortController();
    const call = client.call("longcat_image_generate", LONGCAT, {
      signal: giveUp.signal,
      onProgress: () => giveUp.abort(),
    });
    await expect(call).rejects.toThrow();
    const again = await client.call("longcat_image_generate", LONGCAT);
    expect(textOf(again)).toMatch(/ completed in /);
    expect(bench.posts).toBe(1);
  });
});

describe.each(WAYS)("$kind over $transport", ({ kind, transport }) => {
  test("an answer beside a mention of others counts as delivered, and the mention as told", async () => {
    const store = new SqliteJobStore(new Connection(bench.dataDir));
    onTestFinished(() => store.close());
    const done = { state: "completed", charge: "spent", orphaned: true } as const;
    const old = leftJob({ baseUrl: bench.sandbox.origin, ...done });
    await recordJob(store, old, "gone");
    const { client } = await bench.connect(kind, transport);
    const made = await client.call("longcat_image_generate", LONGCAT);
    expect(JSON.stringify(made.content)).toContain(old.jobId);
    const delivered = async () => (await store.get(old.owner, jobIdOf(made)))?.deliveredAt;
    await expect.poll(delivered, PATIENTLY).toEqual(expect.any(Number));
    await expect.poll(() => store.untoldOrphans(old.owner), PATIENTLY).toEqual([]);
  });
});

test("many identical calls at once are one purchase", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const results = await Promise.all(
    Array.from({ length: 20 }, () => client.call("longcat_image_generate", LONGCAT)),
  );
  expect(new Set(results.map(jobIdOf)).size).toBe(1);
  expect(bench.posts).toBe(1);
});

test("one idempotency key is one job, with other arguments it is refused", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const keyed = { ...LONGCAT, idempotency_key: "boat-1" };
  const first = await client.call("longcat_image_generate", keyed);
  expect(jobIdOf(await client.call("longcat_image_generate", keyed))).toBe(jobIdOf(first));
  const other = await client.call("longcat_image_generate", { ...keyed, prompt: "A large boat" });
  expect(textOf(other)).toMatch(/^invalid_input: `idempotency_key` already stands for job_/);
  const second = await client.call("longcat_image_generate", {
    ...LONGCAT,
    idempotency_key: "boat-2",
  });
  expect(jobIdOf(second)).not.toBe(jobIdOf(first));
  expect(bench.posts).toBe(2);
});

test("a day's cap refuses before anything is sent, and holds after a restart", async () => {
  const env = { LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.30" };
  const first = await bench.connect("sdk 1.x", "stdio", env);
  await first.client.call("longcat_image_generate", LONGCAT);
  await first.client.call("longcat_image_generate", { ...LONGCAT, prompt: "Another boat" });
  const refused = await first.client.call("longcat_image_generate", {
    ...LONGCAT,
    prompt: "Third",
  });
  expect(textOf(refused)).toMatch(
    /^over_budget: .*\$0\.26 of the \$0\.30 of LONGCAT_MCP_BUDGET_USD_PER_DAY/,
  );
  await first.program.kill("SIGKILL");

  const { client } = await bench.connect("sdk 1.x", "stdio", env);
  const still = await client.call("longcat_image_generate", { ...LONGCAT, prompt: "Third" });
  expect(textOf(still)).toMatch(/^over_budget: /);
  const cheap = await client.call("qwen_image_edit_plus_train", {
    image_data_url: "https://example.com/set.zip",
  });
  expect(textOf(cheap)).toMatch(/ completed in /);
  expect(await spending(client)).toMatchObject({
    total_usd: 0.3,
    reserved_usd: 0,
    uncertain_usd: 0,
    budget: { per_day_usd: 0.3, per_month_usd: null, left_today_usd: 0 },
    by_operation: [
      { operation: "longcat_image_generate", total_usd: 0.26, jobs: 2 },
      { operation: "qwen_image_edit_plus_train", total_usd: 0.04, jobs: 1 },
    ],
  });
  expect(bench.posts).toBe(3);
});

test("two processes racing for the last dollar send exactly one, month after month", async () => {
  const env = { LONGCAT_MCP_BUDGET_USD_PER_MONTH: "0.13" };
  const [first, second] = [
    await bench.connect("sdk 1.x", "stdio", env),
    await bench.connect("client 2.x", "stdio", env),
  ];
  // The first call of a process is slow; from then on both are equally fast.
  await Promise.all([spending(first.client), spending(second.client)]);
  const db = new DatabaseSync(join(bench.dataDir, "jobs.db"));
  onTestFinished(() => db.close());
  db.exec("PRAGMA busy_timeout=10000");
  const start = { ...LONGCAT, wait_seconds: 0 };
  for (let month = 1; month <= MONTHS; month++) {
    const results = await Promise.all(
      [first.client, second.client, first.client, second.client].map((client, i) =>
        client.call("longcat_image_generate", { ...start, prompt: `${month}, from ${i}` }),
      ),
    );
    const refused = results.filter((one) => /^over_budget: /.test(textOf(one)));
    expect(refused, `month ${month}`).toHaveLength(results.length - 1);
    await expect.poll(() => bench.posts, PATIENTLY).toBe(month);
    // The month is over: what was bought in it counts no more.
    db.exec("UPDATE jobs SET created_at = 0");
  }
});

test("an unknown price cannot be kept under a limit until the user names one", async () => {
  const limited = await bench.connect("sdk 1.x", "stdio", { LONGCAT_MCP_BUDGET_USD_PER_DAY: "5" });
  expect(textOf(await limited.client.call(TURBO, LONGCAT))).toMatch(
    /^over_budget: The price of z_image_turbo_generate is not published[\s\S]*LONGCAT_MCP_PRICES/,
  );
  const { client } = await bench.connect("sdk 1.x");
  const capped = await client.call(TURBO, { ...LONGCAT, max_cost_usd: 1 });
  expect(textOf(capped)).toMatch(/^over_budget: /);
  expect(bench.posts).toBe(0);

  const priced = await bench.connect("sdk 1.x", "stdio", {
    LONGCAT_MCP_BUDGET_USD_PER_DAY: "5",
    LONGCAT_MCP_PRICES: '{"z_image_turbo_generate": 0.01}',
  });
  const made = await priced.client.call(TURBO, { ...LONGCAT, num_images: 3 });
  expect(textOf(made)).toMatch(/, \$0\.03 \(estimate\)/);
});

test("a dear start is refused with the argument that allows it", async () => {
  const { client } = await bench.connect("sdk 1.x", "stdio", {
    LONGCAT_MCP_CONFIRM_ABOVE_USD: "0.2",
  });
  const two = { ...LONGCAT, num_images: 2 };
  const refused = await client.call("longcat_image_generate", two);
  expect(textOf(refused)).toMatch(/^over_budget: .*\$0\.26[\s\S]*`max_cost_usd: 0\.26`/);
  const allowed = await client.call("longcat_image_generate", { ...two, max_cost_usd: 0.26 });
  expect(textOf(allowed)).toMatch(/ completed in /);
  const less = await client.call("longcat_image_generate", {
    ...two,
    max_cost_usd: 0.2,
    force_new: true,
  });
  expect(textOf(less)).toMatch(/^over_budget: .*more than `max_cost_usd` allows/);
  expect(bench.posts).toBe(1);
});

test("unasked, a start above a dollar must be allowed, and one refusal has all reasons", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const ten = { ...LONGCAT, num_images: 10 };
  const refused = await client.call("longcat_image_generate", ten);
  expect(textOf(refused)).toMatch(
    /^over_budget: .*\$1\.30; above \$1\.00 .*\n.*`max_cost_usd: 1\.3`/,
  );
  const limited = await bench.connect("sdk 1.x", "stdio", {
    LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.5",
    LONGCAT_MCP_BUDGET_USD_PER_MONTH: "0.6",
  });
  const all = textOf(await limited.client.call("longcat_image_generate", ten));
  expect(all).toMatch(
    /above \$1\.00 .*of the \$0\.50 of .*PER_DAY .*of the \$0\.60 of .*PER_MONTH /,
  );
  expect(bench.posts).toBe(0);
  expect(
    jobIdOf(await client.call("longcat_image_generate", { ...ten, max_cost_usd: 1.3 })),
  ).not.toBe("");
});

test("ERROR gives its money back; FAILED is counted, and the answer says so", async () => {
  const { client } = await bench.connect("sdk 1.x");
  bench.sandbox.faults.add({ kind: "job-error" });
  const errored = await client.call("longcat_image_generate", LONGCAT);
  expect(textOf(errored)).toMatch(/ errored: .*\nNothing was charged\./);
  bench.sandbox.faults.add({ kind: "job-failed" });
  const failed = await client.call("longcat_image_generate", { ...LONGCAT, prompt: "Another" });
  expect(textOf(failed)).toMatch(/ failed: [\s\S]*counts as if it had been charged/);
  expect(await spending(client)).toMatchObject({ total_usd: 0, uncertain_usd: 0.13, jobs: 1 });
});

describe("an unknown outcome", () => {
  async function unknown(client: McpClient): Promise<string> {
    bench.sandbox.faults.add({ kind: "reset-after", match: { method: "POST" } });
    const result = await client.call("longcat_image_generate", LONGCAT);
    expect(textOf(result)).toMatch(/ unknown: outcome_unknown: [\s\S]*price stays reserved/);
    return jobIdOf(result);
  }

  test("stands for the same call without limit, until it is overridden", async () => {
    const { client } = await bench.connect("sdk 1.x");
    const jobId = await unknown(client);
    expect(jobIdOf(await client.call("longcat_image_generate", LONGCAT))).toBe(jobId);
    expect(bench.posts).toBe(1);
    const anyway = await client.call("longcat_image_generate", { ...LONGCAT, force_new: true });
    expect(textOf(anyway)).toMatch(/ completed in /);
    expect(await spending(client)).toMatchObject({ total_usd: 0.13, uncertain_usd: 0.13 });
  });

  test("is attached to the request id that the user found", async () => {
    const { client } = await bench.connect("sdk 1.x");
    const jobId = await unknown(client);
    const requestId = bench.sandbox.requests().find((one) => one.requestId)?.requestId ?? "";
    const wrong = await client.call("job_status", {
      job_id: jobId,
      request_id: requestId.replace("longcat-image-498", "z-image-base"),
    });
    expect(textOf(wrong)).toMatch(/^invalid_input: /);
    await client.call("job_status", { job_id: jobId, request_id: requestId, wait_seconds: 0 });
    expect(textOf(await finished(client, jobId))).toMatch(/ completed in .*\$0\.13/);
    expect(await spending(client)).toMatchObject({ total_usd: 0.13, uncertain_usd: 0 });
    expect(bench.posts).toBe(1);
  });

  test.each([
    ["charged", "not-charged"],
    ["not-charged", "charged"],
  ])("is settled as %s on the command line, and corrected to %s", async (first, second) => {
    const { client } = await bench.connect("sdk 1.x");
    const jobId = await unknown(client);
    for (const verdict of [first, second]) {
      expect(await bench.launch(["jobs", "settle", jobId, verdict]).exited()).toBe(0);
      expect(await spending(client)).toMatchObject({
        total_usd: verdict === "charged" ? 0.13 : 0,
        uncertain_usd: 0,
      });
    }
  });

  test("cannot be settled once it is known", async () => {
    const { client } = await bench.connect("sdk 1.x");
    const jobId = jobIdOf(await client.call("longcat_image_generate", LONGCAT));
    const settle = bench.launch(["jobs", "settle", jobId, "not-charged"]);
    expect(await settle.exited()).toBe(2);
    expect(settle.stderr).toMatch(
      /is not in doubt: it is completed .*"spent".*Nothing was changed/,
    );
    expect(await spending(client)).toMatchObject({ total_usd: 0.13, uncertain_usd: 0 });
  });
});
