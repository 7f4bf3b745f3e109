import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { ALL_TOOLS, argumentsOf, fewestOf, misspellings, wrongForms } from "../support/schemas.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench, PATIENTLY } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

/** A gateway that is not of this machine, which no call of these tests may reach. */
const ELSEWHERE = {
  PIXAZO_BASE_URL: "https://gateway.example.invalid",
  PIXAZO_LEGACY_BASE_URL: "https://gateway.example.invalid",
};
const spendingSchema = z.looseObject({
  total_usd: z.number(),
  reserved_usd: z.number(),
  uncertain_usd: z.number(),
  jobs: z.number(),
});
const jobsSchema = z.looseObject({ jobs: z.array(z.unknown()) });
const PICTURE = "https://example.com/a.png";
const CAT = { prompt: "A cat", image_size: "square_1_1" };

let bench: Bench;
let client: McpClient;
let png: Buffer;

beforeAll(async () => {
  bench = await Bench.open();
  ({ client } = await bench.connect("sdk 1.x"));
  const background = { r: 200, g: 30, b: 30 };
  png = await sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .png()
    .toBuffer();
  await writeFile(join(bench.folder, "cat.png"), png);
});

afterAll(() => bench.close());

/** What is recorded, sent and reserved. */
async function traces(): Promise<unknown> {
  const listed = await client.call("job_list", { limit: 100 });
  const spent = await client.call("spending", {});
  return {
    jobs: jobsSchema.parse(listed.structuredContent).jobs.length,
    money: spendingSchema.parse(spent.structuredContent),
    requests: bench.sandbox.requests().length,
  };
}

/** How the sandbox notes that exactly our picture came, as a plain data URI. */
function sentPicture(): string {
  const uri = `data:image/png;base64,${png.toString("base64")}`;
  return createHash("sha256").update(uri).digest("hex");
}

/** The body of the newest purchase. */
function lastBody(): Record<string, unknown> {
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  return z.record(z.string(), z.unknown()).parse(posts.at(-1)?.body);
}

describe("calls that are wrong", () => {
  test("leave nothing behind: no record, no request, no money, whatever the tool", async () => {
    const before = await traces();
    for (const tool of ALL_TOOLS.filter(({ isForElsewhere }) => !isForElsewhere)) {
      const fewest = fewestOf(tool);
      const own = argumentsOf(tool);
      const calls = own.flatMap(({ name, argument, isRequired }) => [
        ...wrongForms(argument, isRequired).map((value) => ({ ...fewest, [name]: value })),
        ...misspellings(name)
          .filter((other) => !own.some((one) => one.name === other))
          .map((other) => ({ ...fewest, [other]: "a" })),
      ]);
      for (const args of calls) {
        const result = await client.call(tool.name, args);
        expect(textOf(result), `${tool.name} ${JSON.stringify(args).slice(0, 200)}`).toMatch(
          /^invalid_input: /,
        );
        expect(result.isError).toBe(true);
      }
    }
    expect(await traces()).toEqual(before);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["longcat_image_generate", { ...CAT, max_cost: 0.01 }, /did you mean `max_cost_usd`\?/],
    ["longcat_image_generate", { ...CAT, idempotencyKey: "a" }, /mean `idempotency_key`\?/],
    ["longcat_image_generate", { ...CAT, num_image: 2 }, /did you mean `num_images`\?/],
    ["longcat_image_generate", { ...CAT, n: 2 }, /did you mean `num_images`\?/],
    ["longcat_image_generate", { ...CAT, output_path: "a" }, /did you mean `save_to`\?/],
    ["longcat_image_generate", { ...CAT, seed: 1 }, /`qwen_image_edit_plus_lora` has it/],
    ["longcat_image_generate", { ...CAT, negative_prompt: "x" }, /have it\./],
    ["longcat_image_generate", { ...CAT, query: "x" }, /no operation has it/],
    ["longcat_image_generate", { ...CAT, dryRun: true }, /did you mean `dry_run`\?/],
    ["longcat_image_generate", { ...CAT, _dry_run: true }, /did you mean `dry_run`\?/],
    ["longcat_image_generate", { ...CAT, "x-max-cost": 1 }, /did you mean `max_cost_usd`\?/],
    ["longcat_image_generate", { ...CAT, _max_cost_usd: 1 }, /did you mean `max_cost_usd`\?/],
    ["longcat_image_generate", { ...CAT, lora_url: "x" }, /no way to choose a LoRA/],
    ["longcat_image_generate", { ...CAT, loras: [] }, /no way to choose a LoRA/],
    ["qwen_image_edit", { prompt: "x", image: PICTURE, num_images: 2 }, /have it\./],
    [
      "qwen_image_edit_plus_train",
      { image_data_url: "https://example.com/a.zip", dataset_check: true },
      /`dataset_check` is no argument .*: did you mean `dry_run`\?/,
    ],
    [
      "qwen_image_edit_plus_train",
      { image_data_url: "https://example.com/a.zip", check_only: true },
      /did you mean `dry_run`\?/,
    ],
    ["qwen_image_generate", { prompt: "x", size: "1024*768" }, /Allowed: `1328\*1328`/],
    ["longcat_image_generate", { ...CAT, num_images: "abc" }, /whole number, not "abc"/],
    ["longcat_image_generate", { ...CAT, image_size: "landscape_16_9" }, /`ultra_wide_16_9`\?/],
    ["z_image_turbo_generate", { ...CAT, num_images: 8 }, /: 8 is too large\. Allowed: 1 to 4\./],
    ["qwen_image_edit", { prompt: "x", image: `${PICTURE}, ${PICTURE}` }, /not several/],
    ["qwen_image_edit", { prompt: "x", image: `${PICTURE} please` }, /not one clean https URL/],
    ["qwen_image_edit", { prompt: "x", image: "https://me:pw@example.com/a" }, /password/],
    ["qwen_image_edit", { prompt: "x", image: "ftp://example.com/a.png" }, /needs an https URL/],
    ["longcat_image_generate", { ...CAT, prompt: "é".repeat(600_000) }, /has 1200000 bytes/],
  ])("%s refuses %j", async (name, args, words) => {
    const before = await traces();
    const result = await client.call(name, args);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^invalid_input: /);
    expect(textOf(result)).toMatch(words);
    expect(await traces()).toEqual(before);
  });
});

describe("calls as models make them", () => {
  async function bought(name: string, args: Record<string, unknown>) {
    const result = await client.call(name, { ...args, force_new: "true" });
    expect(textOf(result)).toMatch(/^job_[a-z2-7]{26} /);
    return { result, body: lastBody() };
  }

  // The bundle is read a byte a character.
  test("a sign that is not ASCII is the one that the source has", async () => {
    const { body } = await bought("longcat_image_generate", { ...CAT, image_size: "4 × 3" });
    expect(body).toMatchObject({ image_size: "landscape_4_3" });
  });

  test("null, empty texts and literals in strings mean what they say", async () => {
    const { body } = await bought("longcat_image_generate", {
      ...CAT,
      image_size: "Landscape 4:3",
      num_images: "2",
      output_format: "",
      acceleration: null,
      enable_safety_checker: "false",
      guidance_scale: "4.5",
      wait_seconds: "5",
      save_to: null,
      idempotency_key: "",
    });
    expect(body).toEqual({
      prompt: "A cat",
      image_size: "landscape_4_3",
      num_images: 2,
      enable_safety_checker: false,
      guidance_scale: 4.5,
    });
  });

  test("a ratio is the one size that has it, and an empty negative prompt is sent", async () => {
    const wide = await bought("longcat_image_generate", { ...CAT, image_size: "16:9" });
    expect(wide.body["image_size"]).toBe("ultra_wide_16_9");
    const { body } = await bought("qwen_image_generate", {
      prompt: "x",
      negative_prompt: "",
      size: " 1024 x 1024 ",
    });
    expect(body["parameters"]).toEqual({ negative_prompt: "", size: "1024*1024" });
  });

  test("the same call in another form is the same call", async () => {
    const first = await client.call("z_image_turbo_generate", { ...CAT, num_images: 2 });
    const posts = bench.posts;
    const again = await client.call("z_image_turbo_generate", {
      ...CAT,
      image_size: "Square 1:1",
      num_images: "2.0",
      output_format: null,
      wait_seconds: null,
    });
    expect(jobIdOf(again)).toBe(jobIdOf(first));
    expect(bench.posts).toBe(posts);
    const keyed = { ...CAT, idempotency_key: "one", force_new: "false" };
    const one = await client.call("z_image_base_generate", keyed);
    const other = await client.call("z_image_base_generate", { ...keyed, num_images: "" });
    expect(jobIdOf(other)).toBe(jobIdOf(one));
  });

  test("a wait above the maximum is the maximum, and the answer says so", async () => {
    const { result } = await bought("z_image_turbo_generate", { ...CAT, wait_seconds: "3600" });
    const texts = result.content.map((block) => block.text ?? "").join("\n");
    expect(texts).toContain("Note: `wait_seconds` is at most 45 here, so 45 was taken.");
  });

  test("lists as JSON text, alone, or as several addresses in one text", async () => {
    const name = "qwen_image_edit_plus_lora";
    const sent = async (image_urls: unknown) =>
      (await bought(name, { prompt: "x", image_urls })).body["image_urls"];
    const source = `${bench.sandbox.origin}/media/none.png`;
    expect(await sent(JSON.stringify([source]))).toEqual([source]);
    expect(await sent(`<${source}>\n`)).toEqual([source]);
    expect(await sent(`${source}?a=1,2, ${source}?b\n${source}?c`)).toEqual([
      `${source}?a=1,2`,
      `${source}?b`,
      `${source}?c`,
    ]);
    expect(await sent([`${source}?a,${source}?b`])).toEqual([`${source}?a`, `${source}?b`]);
  });

  test("a size as JSON text is an object; a name that is not printed goes with a warning", async () => {
    const args = { prompt: "x", image_urls: [`${bench.sandbox.origin}/media/none.png`] };
    const name = "qwen_image_edit_plus_lora";
    const sides = await bought(name, { ...args, image_size: '{"width":"1024","height":768}' });
    expect(sides.body["image_size"]).toEqual({ width: 1024, height: 768 });
    const named = await bought(name, { ...args, image_size: "poster_2_3" });
    expect(named.body["image_size"]).toBe("poster_2_3");
    expect(textOf(named.result)).toContain("print no list of sizes");
    const documented = await bought(name, { ...args, image_size: "Square HD" });
    expect(documented.body["image_size"]).toBe("square_hd");
    expect(textOf(documented.result)).not.toContain("print no list of sizes");
  });

  test.each([
    ["a path", "cat.png"],
    ["a path in quotes", ' "cat.png"\n'],
    ["a path with an at sign", "@cat.png"],
    ["a picture of Markdown", "![a cat](cat.png)"],
    ["a path in backticks", "`cat.png`"],
    ["a path in curved quotes", "“cat.png”"],
  ])("a picture named by %s", async (_, image) => {
    const { body } = await bought("qwen_image_edit", { prompt: "x", image });
    expect(JSON.stringify(body)).toContain(sentPicture());
  });

  test("a picture as nothing but base64, and as a data URI with parameters", async () => {
    for (const image of [
      png.toString("base64"),
      png.toString("base64url"),
      png.toString("base64").replaceAll(/.{76}/g, "$&\n"),
      `data:image/png;charset=utf-8;base64,${png.toString("base64")}`,
      `data:image/png;name="a b.png";base64,${png.toString("base64")}`,
    ]) {
      const { body } = await bought("qwen_image_edit", { prompt: "x", image });
      expect(JSON.stringify(body)).toContain(sentPicture());
    }
  });

  test("a job's id with marks around it", async () => {
    const { result } = await bought("z_image_turbo_generate", CAT);
    const jobId = jobIdOf(result);
    for (const job_id of [` \`${jobId}\`\n`, `<longcat://jobs/${jobId}>`, `"${jobId}"`]) {
      expect(textOf(await client.call("job_status", { job_id, wait_seconds: "20" }))).toContain(
        jobId,
      );
    }
  });

  test("what hosts inject passes unseen", async () => {
    const { body } = await bought("z_image_turbo_generate", {
      ...CAT,
      wait_for_previous: true,
      sessionId: "s",
      action: "sendMessage",
      chatInput: "c",
      tool: "t",
      toolCallId: "i",
      _meta: {},
      "x-trace": "t",
    });
    expect(body).toEqual(CAT);
  });
});

describe("addresses that the provider cannot see", () => {
  test("are refused before anything is bought, with what to give instead", async () => {
    const { client: remote } = await bench.connect("client 2.x", "stdio", {
      ...ELSEWHERE,
      LONGCAT_MCP_DATA_DIR: join(bench.folder, "elsewhere"),
    });
    for (const address of [
      "http://localhost:8080/a.png",
      "http://127.1/a.png",
      "http://2130706433/a.png",
      "http://[::ffff:127.0.0.1]/a.png",
      "http://192.168.1.7/a.png",
      "https://nas/a.png",
      "https://printer.local./a.png",
    ]) {
      const calls: [string, Record<string, unknown>, RegExp][] = [
        ["qwen_image_layered", { image_url: address }, /Give the path of the file instead/],
        ["qwen_image_edit", { prompt: "x", image: address }, /Give the path of the file/],
        ["qwen_image_max_edit", { prompt: "x", image_urls: [address] }, /Give the path/],
        ["qwen_image_edit_plus_train", { image_data_url: address }, /path of the ZIP file/],
        [
          "qwen_image_edit_plus_train",
          { image_data_url: "https://example.com/a.zip", webhook: address },
          /public https URL/,
        ],
      ];
      for (const [name, args, words] of calls) {
        const result = await remote.call(name, args);
        expect(textOf(result)).toMatch(/^invalid_input: .*only this machine or its network sees/);
        expect(textOf(result)).toMatch(words);
      }
    }
    const listed = await remote.call("job_list", {});
    expect(listed.structuredContent).toEqual({ jobs: [] });
  });
});

test("the delegate's arguments are read in the same way", async () => {
  await writeFile(join(bench.folder, "notes.txt"), "Remember the milk.");
  const result = await client.call("longcat_chat", {
    prompt: "What is in it?",
    system: "",
    thread_id: "",
    files: '["notes.txt"]',
    temperature: "0.2",
    thinking: "false",
    api_format: "OpenAI",
    max_tokens: "200",
  });
  expect(textOf(result)).not.toMatch(/^invalid_input/);
  await expect
    .poll(() => bench.sandbox.requests().at(-1)?.body, PATIENTLY)
    .toMatchObject({
      temperature: 0.2,
      max_tokens: 200,
    });
});
