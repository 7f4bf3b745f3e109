import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "./answers.ts";
import { Bench } from "./harness.ts";

const TURBO = { prompt: "A small boat at sea", image_size: "square_1_1" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test("a corrupt database refuses before anything is bought, names the file and is left alone", async () => {
  await mkdir(bench.dataDir);
  const path = join(bench.dataDir, "jobs.db");
  await writeFile(path, "This is not a database. ".repeat(100));
  const { client } = await bench.connect("sdk 1.x");
  const refused = await client.call("z_image_turbo_generate", TURBO);
  expect(textOf(refused)).toMatch(
    /^storage: The job database .*jobs\.db cannot be used: file is not a database/,
  );
  expect(textOf(refused)).toMatch(/\nNext: /);
  expect(bench.posts).toBe(0);
  expect(await readFile(path, "utf8")).toMatch(/^This is not a database/);
});

test("a database of a newer version is refused and left alone", async () => {
  await mkdir(bench.dataDir);
  const db = new DatabaseSync(join(bench.dataDir, "jobs.db"));
  db.exec("CREATE TABLE future (x); PRAGMA user_version = 999");
  db.close();
  const { client } = await bench.connect("client 2.x");
  const refused = await client.call("z_image_turbo_generate", TURBO);
  expect(textOf(refused)).toMatch(/^storage: .* was written by a newer version of longcat-mcp/);
  expect(bench.posts).toBe(0);
});
