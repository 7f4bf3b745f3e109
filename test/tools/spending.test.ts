import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { WholeJob } from "../../src/jobs/job.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { newTurn } from "../contracts/turns.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { MIDDAY, middayClock, openToolRig, type ToolRig, textOf } from "../support/tool-rig.ts";

const DAY_MS = 86_400_000;
const dataSchema = z.record(z.string(), z.unknown());

/** A platform that prints a price for one model only. */
async function openRig(): Promise<ToolRig> {
  const server = await rawServer((request, response) => {
    const pricing = { prompt: "0.000002", completion: "0.00001" };
    const id = decodeURIComponent(request.path.split("/").at(-1) ?? "");
    json(response, 200, id === "priced" ? { id, pricing } : { id });
  });
  return openToolRig(server.origin, middayClock);
}

async function spent(rig: ToolRig, change: Partial<WholeJob>): Promise<void> {
  const job = leftJob({
    baseUrl: "https://gateway.example",
    state: "completed",
    charge: "spent",
    ...change,
  });
  await recordJob(rig.store, job, "me");
}

async function asked(rig: ToolRig, model: string, tokens: [number, number], now: number) {
  const threads = new SqliteThreadStore(rig.connection);
  const turn = newTurn({ now, request: { prompt: "Why?", model, format: "openai" } });
  const [inputTokens, outputTokens] = tokens;
  await threads.begin(OWNER, turn);
  await threads.finish(OWNER, turn.jobId, { inputTokens, outputTokens }, now);
  return { threads, threadId: turn.threadId };
}

async function spending(rig: ToolRig, args: Record<string, unknown> = {}) {
  const result = await rig.call("spending", args);
  expect(result.isError ?? false, textOf(result)).toBe(false);
  expect(JSON.parse(textOf(result))).toEqual(result.structuredContent);
  return dataSchema.parse(result.structuredContent);
}

describe("spending", () => {
  it("is told of a period, by day, by operation and by both", async () => {
    const rig = await openRig();
    const today = MIDDAY;
    const day = (back: number) => new Date(today - back * DAY_MS).toISOString().slice(0, 10);
    const edit = { operation: "qwen_image_edit", costUsd: 0.045 };
    await spent(rig, { createdAt: today, costUsd: 0.13 });
    await spent(rig, { createdAt: today, ...edit });
    await spent(rig, { createdAt: today - DAY_MS, ...edit });
    await spent(rig, { createdAt: today - 40 * DAY_MS, ...edit });
    const told = await spending(rig, { since: "yesterday" });
    expect(told).toMatchObject({
      period: { since: day(1), until: day(0) },
      total_usd: 0.22,
      jobs: 3,
      by_day: [
        { day: day(0), total_usd: 0.175, jobs: 2 },
        { day: day(1), total_usd: 0.045, jobs: 1 },
      ],
      by_operation: [
        { operation: "longcat_image_generate", total_usd: 0.13 },
        { operation: "qwen_image_edit", total_usd: 0.09, jobs: 2 },
      ],
      by_day_and_operation: [
        { day: day(0), operation: "longcat_image_generate", total_usd: 0.13, jobs: 1 },
        { day: day(0), operation: "qwen_image_edit", total_usd: 0.045, jobs: 1 },
        { day: day(1), operation: "qwen_image_edit", total_usd: 0.045, jobs: 1 },
      ],
      chat: { tokens_in: 0, tokens_out: 0, cost_usd: 0 },
    });
    expect(told).not.toHaveProperty("sandbox");
    expect(await spending(rig, { since: "90d", until: "30d" })).toMatchObject({ jobs: 1 });
    expect((await spending(rig))["period"]).toEqual({
      since: `${day(0).slice(0, 7)}-01`,
      until: day(0),
    });
  });

  it("has the delegate's tokens, and what they cost where a price is printed", async () => {
    const rig = await openRig();
    const now = MIDDAY;
    const { threads, threadId } = await asked(rig, "priced", [1_000, 200], now);
    await asked(rig, "priced", [500, 0], now);
    await asked(rig, "priced", [7, 7], now - 90 * DAY_MS);
    const chat = { tokens_in: 1_500, tokens_out: 200, cost_usd: 0.005 };
    expect(await spending(rig, { since: "7d" })).toMatchObject({ total_usd: 0, chat });
    await threads.delete(OWNER, threadId, now);
    expect(await spending(rig, { since: "7d" })).toMatchObject({ chat });
    await asked(rig, "unpriced", [1, 1], now);
    expect(await spending(rig, { since: "7d" })).toMatchObject({
      chat: { tokens_in: 1_501, tokens_out: 201, cost_usd: null },
    });
  });

  it("says what it leaves out, of which the totals are all the same", async () => {
    const rig = await openRig();
    rig.connection.all("PRAGMA synchronous=OFF", []);
    const [today, count] = [MIDDAY, 405];
    for (let back = 0; back < count; back++) {
      await spent(rig, { createdAt: today - back * DAY_MS, costUsd: 0.01 });
    }
    const told = await spending(rig, { since: "500d" });
    expect(told).toMatchObject({ jobs: count, total_usd: 4.05 });
    expect(told["by_day"]).toHaveLength(400);
    expect(told["notes"]).toEqual([expect.stringContaining("the newest 400 of 405 rows")]);
    expect(await spending(rig, { since: "300d" })).not.toHaveProperty("notes");
  });
});
