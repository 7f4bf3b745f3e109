import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { WholeJob } from "../../src/jobs/job.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { tokensIn } from "../support/tokens.ts";
import { MIDDAY, middayClock, openToolRig, type ToolRig, textOf } from "../support/tool-rig.ts";

const DAY_MS = 86_400_000;
const rowsSchema = z.object({ jobs: z.array(z.record(z.string(), z.unknown())) });

let rig: ToolRig;

beforeEach(async () => {
  rig = await openToolRig("http://127.0.0.1:9", middayClock);
});

async function add(prompt: string, change: Partial<WholeJob> = {}): Promise<WholeJob> {
  const job = leftJob({
    baseUrl: "https://gateway.example",
    operation: "z_image_turbo_generate",
    input: { prompt, image_size: "square_1_1" },
    state: "completed",
    charge: "spent",
    costUsd: 0.01,
    media: [
      {
        index: 1,
        url: "https://gateway.example/1.png",
        path: "/pictures/2026-11-20/1.png",
        mimeType: "image/png",
        width: 1024,
        height: 1024,
        sizeBytes: 1_234_567,
        sha256: "ab",
        copies: [],
      },
    ],
    ...change,
  });
  await recordJob(rig.store, job, "me");
  return job;
}

async function list(args: Record<string, unknown> = {}) {
  const result = await rig.call("job_list", args);
  expect(result.isError ?? false, textOf(result)).toBe(false);
  const { jobs } = rowsSchema.parse(result.structuredContent);
  return { text: textOf(result), jobs, ids: jobs.map((job) => job["job_id"]) };
}

describe("a list of jobs", () => {
  it("has one line for each, and objects of the same", async () => {
    const createdAt = Date.UTC(2026, 10, 20, 14, 5, 59);
    const { jobId } = await add('A "cabin"\nin the snow', { createdAt });
    const running = await add("A boat", {
      createdAt,
      state: "running",
      charge: "reserved",
      costUsd: null,
      media: [],
    });
    const { text, jobs } = await list();
    expect(text.split("\n")).toEqual([
      `${running.jobId} 2026-11-20 14:05 z_image_turbo_generate running "A boat"`,
      `${jobId} 2026-11-20 14:05 z_image_turbo_generate completed "A \\"cabin\\" in the snow" 1 file $0.01`,
    ]);
    expect(jobs[1]).toEqual({
      job_id: jobId,
      created_at: "2026-11-20T14:05:59.000Z",
      operation: "z_image_turbo_generate",
      state: "completed",
      prompt: 'A "cabin" in the snow',
      files: 1,
      cost_usd: 0.01,
    });
  });

  it("takes few tokens: 55 a line, 1,150 for twenty, 1,500 with long prompts", async () => {
    const things = ["cabin", "boat", "whale", "lighthouse", "fox"];
    for (let n = 0; n < 20; n++) await add(`A ${things[n % 5]} in the snow`);
    await add("One more, so that there is a next page");
    const short = await list({ query: "snow" });
    expect(short.jobs).toHaveLength(20);
    expect(tokensIn((await list()).text)).toBeLessThanOrEqual(1_150);
    for (const line of short.text.split("\n")) {
      expect(tokensIn(line), line).toBeLessThanOrEqual(55);
    }
    const long =
      "A lioness crouching in the tall dry grass of the Serengeti during golden hour, intense gaze";
    for (let n = 0; n < 21; n++) await add(long);
    const { text } = await list();
    expect(text).toContain(`"${long.slice(0, 80)}…"`);
    expect(tokensIn(text)).toBeLessThanOrEqual(1_500);
  });

  it("says where it goes on, and when there is nothing", async () => {
    expect((await list()).text).toBe("There are no jobs yet.");
    for (let n = 0; n < 3; n++) await add("A boat");
    const first = await list({ limit: 2 });
    const cursor = /\nnext_cursor: (\S+)$/.exec(first.text)?.[1];
    const second = await list({ limit: 2, cursor });
    expect([...first.ids, ...second.ids]).toHaveLength(3);
    expect(second.text).not.toContain("next_cursor");
    expect((await list({ query: "whale" })).text).toBe("No such job.");
  });

  it("is searched by words and days together", async () => {
    const now = MIDDAY;
    const old = await add("A cabin by the sea", { createdAt: now - 40 * DAY_MS });
    const fresh = await add("A cabin in the snow", { createdAt: now });
    await add("A boat", { createdAt: now });
    expect((await list({ query: "CABIN" })).ids).toEqual([fresh.jobId, old.jobId]);
    expect((await list({ query: "cabin", since: "7d" })).ids).toEqual([fresh.jobId]);
    expect((await list({ query: "cabin", until: "7d" })).ids).toEqual([old.jobId]);
    expect((await list({ since: "today" })).ids).toHaveLength(2);
    const day = new Date(now - 40 * DAY_MS).toISOString().slice(0, 10);
    expect((await list({ since: day, until: day })).ids).toEqual([old.jobId]);
  });

  it.each([
    [{ query: "" }, undefined],
    [{ query: '"*()' }, /`query` has no word in it[\s\S]*letters, digits or emoji/],
    [{ query: "\u0000\u202e" }, /no word|invalid_input/],
    [{ query: "x".repeat(10_000) }, /at most 500 characters/],
    [{ query: "a b c ".repeat(80) }, undefined],
    [{ query: Array.from({ length: 60 }, (_, n) => `w${n}`).join(" ") }, /50 words/],
    [{ since: "today", until: "yesterday" }, /`since` \([\d-]+\) is after `until` \([\d-]+\)/],
    [{ since: "tomorrow" }, /is no day\. Give a date such as 2026-11-20/],
    [{ since: "2026-11-20T10:00:00+02:00" }, /days are UTC/],
  ])("%j is answered plainly", async (args, words) => {
    const result = await rig.call("job_list", args);
    expect(result.isError ?? false).toBe(words !== undefined);
    if (words) expect(textOf(result)).toMatch(words);
  });

  it("is broken by no query at all", async () => {
    await add("near or not and a cabin");
    const pieces = fc.constantFrom(
      '"',
      "*",
      "NEAR(",
      ")",
      " OR ",
      " AND ",
      " NOT ",
      "^",
      ":",
      "-",
      "{asked}",
      "cabin",
      "\u0000",
      "\ud800",
      "🦁",
      "ל",
      "'",
      ";",
      "¤6c6f63616c",
      "%",
      "_",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 20 }), async (parts) => {
        const result = await rig.call("job_list", { query: parts.join("") });
        const said = textOf(result);
        expect(said).not.toMatch(/storage|internal|fts5|syntax/i);
      }),
      { numRuns: 200 },
    );
  });
});
