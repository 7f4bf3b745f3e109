import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { picture } from "../support/pictures.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench, TRANSPORTS } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

const CAT = { prompt: "A cat", image_size: "square_1_1" };
const LONGCAT = "longcat_image_generate";
const TRAIN = "qwen_image_edit_plus_train";
const EXAMPLES = [
  ...OPERATIONS.map(({ name, example }) => [name, example] as const),
  ["longcat_chat", { prompt: "What is in it?", files: ["notes.md"] }] as const,
];

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
  const at = (name: string) => join(bench.folder, name);
  await mkdir(at("set"));
  await writeFile(at("set/a_start.png"), await picture());
  await writeFile(at("set/a_end.png"), await picture());
  await writeFile(at("cat.png"), await picture());
  await writeFile(at("cut.png"), (await picture()).subarray(0, -9));
  await writeFile(at("notes.md"), "Cats sleep.");
  await writeFile(at("words.zip"), "hello");
});

afterEach(() => bench.close());

const tableRow = z.object({ name: z.string() });
const countRow = z.object({ n: z.number() });

/** Everything that calls could leave behind: requests, rows, and files but those of the database. */
async function traces(): Promise<{ requests: number; rows: string[]; files: string[] }> {
  const db = new DatabaseSync(join(bench.dataDir, "jobs.db"), { readOnly: true });
  const names = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .all()
    .map((row) => tableRow.parse(row).name)
    // What says that the program is alive, and not what it was asked.
    .filter((name) => /^(?:jobs|job_bodies|deleted_jobs|hosted_files|chat_.*)$/.test(name));
  const rows = names.map((name) => {
    const { n } = countRow.parse(db.prepare(`SELECT count(*) AS n FROM ${name}`).get());
    return `${name}: ${n}`;
  });
  db.close();
  const found = await readdir(bench.folder, { recursive: true });
  // Nor what the program keeps of itself, a while after its start.
  const files = found.filter((name) => !/jobs\.db|code-cache/.test(name)).sort();
  return { requests: bench.sandbox.requests().length, rows, files };
}

describe.each(TRANSPORTS)("over %s", (transport) => {
  test("for every operation it says what would be sent, and nothing comes of it", async () => {
    const { client } = await bench.connect("client 2.x", transport);
    await client.call("spending", {});
    const before = await traces();
    expect(before.rows).toContain("jobs: 0");
    for (const [name, example] of EXAMPLES) {
      const result = await client.call(name, { ...example, dry_run: true });
      expect(result.isError ?? false, textOf(result)).toBe(false);
      const text = textOf(result);
      expect(text).toMatch(/^Dry run: nothing was recorded, sent or charged\./);
      expect(text).toMatch(/^Sent to: POST http:\/\/127\.0\.0\.1:\d+\//m);
      expect(text).toMatch(/^Key: (?:PIXAZO|LONGCAT)_API_KEY is set\.$/m);
      expect(text).toMatch(/^Cost: /m);
      const body = /^Body: (\{.*\})$/m.exec(text)?.[1] ?? "";
      expect(JSON.stringify(JSON.parse(body))).toContain("prompt" in example ? example.prompt : "");
    }
    expect(await traces()).toEqual(before);
  });
});

test("files are read and measured, and lie nowhere afterwards", async () => {
  const { client } = await bench.connect("client 2.x");
  await client.call("spending", {});
  const before = await traces();
  const edit = { prompt: "A hat", image: "cat.png", save_to: "new/hat.png", dry_run: true };
  expect(textOf(await client.call("qwen_image_edit", edit))).toMatch(
    /^Read: `image` cat\.png: PNG, \d+×\d+, [\d,]+ bytes, in the request$/m,
  );
  const asked = await client.call("longcat_chat", { prompt: "?", files: ["*.md"], dry_run: true });
  expect(textOf(asked)).toMatch(/^Read: notes\.md: text, 11 bytes, about \d+ tokens$/m);
  expect(textOf(asked)).not.toContain("Cats sleep.");
  const trained = textOf(await client.call(TRAIN, { image_data_url: "set", dry_run: true }));
  expect(trained).toMatch(
    /^Dry run: the real call would be refused: invalid_input: .*public address/,
  );
  expect(trained).toMatch(/^Cost: at most about \$0\.04 /m);
  expect(trained).toMatch(/^Note: Training set: 1 complete pairs[\s\S]*Check: /m);
  const cut = await client.call("qwen_image_layered", { image_url: "cut.png", dry_run: true });
  expect(cut.isError).toBe(true);
  expect(textOf(cut)).toMatch(/^invalid_input: cut\.png is cut short/);
  expect(await traces()).toEqual(before);
});

test("“What would four of these cost?”", async () => {
  const { client } = await bench.connect("client 2.x", "stdio", {
    LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.8",
  });
  const first = await client.call(LONGCAT, CAT);
  expect(textOf(first)).toMatch(/ completed in /);
  const posts = bench.posts;
  const four = textOf(await client.call(LONGCAT, { ...CAT, num_images: 4, dry_run: true }));
  expect(four).toMatch(/^Cost: at most about \$0\.52 \(4 × \$0\.13, /m);
  expect(four).toMatch(/^Budget today: \$0\.67 of \$0\.80 left, \$0\.15 after this call\.$/m);
  expect(bench.posts).toBe(posts);
});

test("questions of money are told beside everything else, and never hide it", async () => {
  const { client } = await bench.connect("client 2.x", "stdio", {
    LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.01",
  });
  const dear = await client.call(LONGCAT, { ...CAT, num_images: 10, dry_run: true });
  expect(dear.isError ?? false).toBe(false);
  expect(textOf(dear)).toMatch(
    /^Dry run: the real call would be refused: over_budget: .*\$1\.30; above \$1\.00 .*PER_DAY/,
  );
  expect(textOf(dear)).toMatch(/^Body: /m);
  const unpriced = textOf(await client.call("z_image_turbo_generate", { ...CAT, dry_run: true }));
  expect(unpriced).toMatch(/^Dry run: the real call would be refused: over_budget: The price /);
  expect(unpriced).toMatch(/^Cost: unknown.*only the user.*LONGCAT_MCP_PRICES/m);
  for (const dry_run of [true, false]) {
    const wrong = await client.call(LONGCAT, { ...CAT, save_to: "/proc/x.png", dry_run });
    expect(textOf(wrong)).toMatch(/^invalid_input: `save_to`: /);
  }
});

test("a repeated call would buy nothing, and its job is named", async () => {
  const { client } = await bench.connect("client 2.x");
  const made = await client.call(LONGCAT, CAT);
  const again = textOf(await client.call(LONGCAT, { ...CAT, dry_run: true }));
  expect(again).toMatch(/^Dry run: nothing would be bought\./);
  expect(again).toContain(jobIdOf(made));
  const other = await client.call(LONGCAT, { ...CAT, force_new: true, dry_run: true });
  expect(textOf(other)).toMatch(/^Dry run: nothing was recorded/);
  expect(bench.posts).toBe(1);
});

test("without a key it is refused as the call is", async () => {
  const { client } = await bench.connect("client 2.x", "stdio", { PIXAZO_API_KEY: "" });
  const [dry, real] = [
    await client.call(LONGCAT, { ...CAT, dry_run: true }),
    await client.call(LONGCAT, CAT),
  ];
  expect(textOf(dry)).toMatch(/^configuration: .*PIXAZO_API_KEY is missing/);
  expect(textOf(real)).toBe(textOf(dry));
});

/** What is wrong with some argument, or nothing. */
const ODD: readonly unknown[] = [
  ...["", "nowhere.png", "cut.png", "notes.md", "words.zip", "cat.png", "set", "/etc/passwd"],
  ...[
    "data:image/png;base64,AAAA",
    "longcat://media/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/1",
    "*.nothing",
  ],
  ...["https://user:pw@example.com/a.png", "thread_aaaaaaaaaaaaaaaaaaaaaaaaaa", "../out.png"],
  ...[null, 0, -1, 1e9, true, [], ["cat.png", "nowhere.png"], {}, "x".repeat(300)],
];

test("it refuses what the call refuses, in the same words, and passes what that sends", async () => {
  const { client } = await bench.connect("client 2.x");
  const fields = (name: string, example: Record<string, unknown>) => [
    ...new Set([
      ...Object.keys(OPERATIONS.find((one) => one.name === name)?.input.shape ?? {}),
      ...Object.keys(example),
      ...["save_to", "idempotency_key", "max_cost_usd", "no_such_argument"],
      ...(name === "longcat_chat" ? ["thread_id", "files", "max_tokens", "model"] : []),
    ]),
  ];
  const calls = fc.constantFrom(...EXAMPLES).chain(([name, example]) =>
    fc.record({
      name: fc.constant(name),
      example: fc.constant<Record<string, unknown>>(example),
      changes: fc.dictionary(fc.constantFrom(...fields(name, example)), fc.constantFrom(...ODD), {
        minKeys: 1,
        maxKeys: 2,
      }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(calls, async ({ name, example, changes }) => {
      await sameVerdict(client, name, { ...example, ...changes, wait_seconds: 0, force_new: true });
    }),
    { numRuns: 60 },
  );
});

test("what is wrong with a later file is told before the want of an address", async () => {
  const { client } = await bench.connect("client 2.x");
  const pictures = { prompt: "a hat", image_urls: ["cat.png", "nowhere.png"] };
  await sameVerdict(client, "qwen_image_max_edit", pictures);
  expect(textOf(await client.call("qwen_image_max_edit", pictures))).toContain("nowhere.png");
});

async function sameVerdict(client: McpClient, name: string, args: Record<string, unknown>) {
  const before = bench.posts;
  const dry = await client.call(name, { ...args, dry_run: true });
  expect(bench.posts).toBe(before);
  const real = await client.call(name, args);
  if (dry.isError) {
    expect(real.isError).toBe(true);
    expect(textOf(real)).toBe(textOf(dry));
    return;
  }
  const refusal = /^Dry run: the real call would be refused: (.*)$/m.exec(textOf(dry))?.[1];
  if (refusal === undefined) expect(jobIdOf(real), textOf(real)).toMatch(/^job_/);
  else expect(textOf(real).startsWith(refusal), textOf(real)).toBe(true);
}
