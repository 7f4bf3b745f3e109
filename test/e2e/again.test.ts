import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import { CLIENTS } from "./mcp-client.ts";

const CABIN = {
  ...{ prompt: "A cabin by a lake at “noon”", image_urls: ["https://example.com/a.png"] },
  ...{ image_size: "square_hd", seed: 7 },
};
const COMPOSE = "qwen_image_edit_plus_lora";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

/** The call that an answer shows. */
function callIn(text: string): { tool: string; args: Record<string, unknown> } {
  const [, tool = "", args = "{}"] = /^Asked: (\w+) (\{.*\})$/m.exec(text) ?? [];
  return { tool, args: z.record(z.string(), z.unknown()).parse(JSON.parse(args)) };
}

test.each(CLIENTS)("“The same again, but at night”, in another session, with %s", async (kind) => {
  const first = await bench.connect(kind);
  const made = await first.client.call(COMPOSE, CABIN);
  expect(callIn(textOf(made))).toEqual({ tool: COMPOSE, args: CABIN });
  await first.client.close();

  const { client } = await bench.connect(kind);
  const { tool, args } = callIn(textOf(await client.call("job_status", { job_id: jobIdOf(made) })));
  const again = await client.call(tool, { ...args, prompt: "A cabin by a lake at night" });
  expect(textOf(again)).toMatch(/ completed in /);
  expect(jobIdOf(again)).not.toBe(jobIdOf(made));
  const bodies = bench.sandbox.requests().filter((one) => one.method === "POST");
  expect(bodies.map(({ body }) => body)).toEqual([
    CABIN,
    { ...CABIN, prompt: "A cabin by a lake at night" },
  ]);
});

test("a turn of the delegate shows its call where it is looked at", async () => {
  const { client } = await bench.connect("client 2.x");
  const asked = await client.call("longcat_chat", { prompt: "Why?" });
  const answer = await client.call("job_status", { job_id: jobIdOf(asked) });
  expect(callIn(textOf(answer))).toMatchObject({ tool: "longcat_chat", args: { prompt: "Why?" } });
});

test("a prompt leads through several models, each with its own names of sizes", async () => {
  const { client } = await bench.connect("client 2.x");
  for (const args of [{ wish: "a red fox" }, {}]) {
    const text = await client.prompt("compare_models", args);
    if ("wish" in args) expect(text).toContain("a red fox");
    for (const words of ["square_1_1", "square_hd", "1328*1328", "ultra_wide_16_9", "dry_run"]) {
      expect(text).toContain(words);
    }
  }
});

test("what an operation has no seed or negative prompt for is said beside its sizes", async () => {
  const { client } = await bench.connect("client 2.x");
  const { structuredContent } = await client.call("image_models", {});
  const models = z
    .array(z.looseObject({ operation: z.string(), notes: z.array(z.string()) }))
    .parse(structuredContent?.["models"]);
  for (const { name, input } of OPERATIONS) {
    const notes = models.find((one) => one.operation === name)?.notes ?? [];
    expect(notes.includes("no seed"), name).toBe(!("seed" in input.shape));
    expect(notes.includes("no negative_prompt"), name).toBe(!("negative_prompt" in input.shape));
  }
});
