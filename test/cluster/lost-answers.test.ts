import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { type DatabaseProxy, proxyTo } from "./database-proxy.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

const START = "z_image_turbo_generate";
const isOfJobs = (statements: readonly string[]) =>
  statements.some((one) => /(?:INTO|UPDATE) jobs\b/.test(one));

let bench: Bench;
let proxy: DatabaseProxy;
let url = "";
beforeEach(async () => {
  bench = await Bench.open();
  url = await freshDatabase();
  proxy = await proxyTo(url);
});
afterEach(async () => {
  await bench.close();
  await proxy.close();
});

const connect = () => bench.connect("client 2.x", "stdio", { LONGCAT_MCP_DATABASE_URL: proxy.url });
const picture = (prompt: string, wait = 100) => ({
  ...{ prompt, image_size: "square_1_1", wait_seconds: wait },
});
const jobs = () => ask(url, "SELECT state, charge FROM longcat_mcp.jobs ORDER BY seq");

describe("a commit whose answer is lost", () => {
  test("does no harm wherever it comes in a job's life: one purchase, and all its files", async () => {
    const { client } = await connect();
    await client.call(START, picture("First"));
    let bought = 1;
    for (let nth = 1; ; nth++) {
      proxy.loseAnswer(isOfJobs, nth);
      const result = await vi.waitFor(async () => {
        const answer = await client.call(START, picture(`Number ${nth}`));
        expect(textOf(answer), textOf(answer)).toMatch(/Number|completed|saved/i);
        expect(answer.isError ?? false, textOf(answer)).toBe(false);
        return answer;
      }, PATIENTLY);
      expect(jobIdOf(result)).not.toBe("");
      bought++;
      expect(bench.posts).toBe(bought);
      // What was last written was written before.
      if (!proxy.hasLost()) break;
    }
    expect(bought).toBeGreaterThan(5);
    await vi.waitFor(async () => {
      const all = await jobs();
      expect(all).toEqual(all.map(() => ({ state: "completed", charge: "spent" })));
      expect(all).toHaveLength(bought);
    }, PATIENTLY);
  });

  test("leaves what was recorded and not sent to be sent, though nobody asks again", async () => {
    const { client } = await connect();
    await client.call(START, picture("First"));
    proxy.loseAnswer((statements) => statements.some((one) => /INTO jobs\b/.test(one)));
    const wanted = { ...picture("Second", 0), idempotency_key: "second" };
    const refused = await client.call(START, wanted);
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/did not say whether it has recorded this/);
    await vi.waitFor(async () => {
      expect(await jobs()).toEqual([
        { state: "completed", charge: "spent" },
        { state: "completed", charge: "spent" },
      ]);
    }, PATIENTLY);
    const again = await client.call(START, wanted);
    expect(again.isError ?? false).toBe(false);
    expect(bench.posts).toBe(2);
  });
});

describe("a database that hangs", () => {
  test("when the program starts is told by each call, and used once it answers", async () => {
    proxy.hang();
    const { client } = await connect();
    const refused = await client.call(START, picture("First"));
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/^storage: The database 127\.0\.0\.1:\d+\/\w+ cannot be used/);
    expect(bench.posts).toBe(0);
    proxy.goOn();
    await vi.waitFor(async () => {
      const again = await client.call(START, picture("First"));
      expect(again.isError ?? false, textOf(again)).toBe(false);
    }, PATIENTLY);
    expect(bench.posts).toBe(1);
  });

  test("is told as one that does not answer, and is used again once it does", async () => {
    const { client } = await connect();
    await client.call(START, picture("First"));
    proxy.hang();
    const refused = await client.call(START, picture("Second"));
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/did not answer in time|cannot be used/);
    expect(bench.posts).toBe(1);
    proxy.goOn();
    await vi.waitFor(async () => {
      const again = await client.call(START, picture("Second"));
      expect(again.isError ?? false, textOf(again)).toBe(false);
    }, PATIENTLY);
    expect(bench.posts).toBe(2);
  });
});
