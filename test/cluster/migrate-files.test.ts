import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { Bench } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { localInstallation } from "./local-installation.ts";
import { keysIn, testBucket } from "./test-bucket.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

test("finished files go to a bucket, and are read from there", async () => {
  const url = await freshDatabase();
  const prefix = randomUUID();
  const { TEST_MEDIA_URL = "", AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
  const media = new URL(TEST_MEDIA_URL);
  media.pathname = `${media.pathname}/${prefix}`;
  const env = { LONGCAT_MCP_DATABASE_URL: url, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const { picture, bytes } = await localInstallation(bench, 16);
  const run = async (...words: string[]) => bench.run(["migrate", ...words], env);
  // A bucket that cannot be used, or another one, changes nothing.
  const wrong = { ...env, AWS_SECRET_ACCESS_KEY: "another/secret" };
  const refused = await bench.run(["migrate", "--media", media.href], wrong);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(
    /The bucket s3:\S+ at \S+ cannot be used: the secret key is wrong/,
  );
  expect(refused.stderr).not.toContain("another/secret");
  expect(await readdir(bench.dataDir)).toEqual(["jobs.db"]);
  expect(await run("--media", media.href)).toMatchObject({ code: 0 });
  for (const words of [
    ["--undo"],
    ["--undo", "--media", "s3://files?endpoint=http://127.0.0.1:1"],
  ]) {
    expect(await run(...words)).toMatchObject({ code: 2, stdout: "" });
  }
  expect((await run("--undo")).stderr).toContain(`/${prefix} at `);
  const [key = "", ...others] = await keysIn(testBucket(prefix));
  expect(others).toEqual([]);
  const [row] = await ask(url, "SELECT media FROM longcat_mcp.jobs WHERE media <> '[]'");
  const [{ path }] = z
    .tuple([z.looseObject({ path: z.string() })])
    .parse(JSON.parse(String(row?.["media"])));
  expect(path).toBe(key);
  const { client } = await bench.connect("client 2.x", "stdio", {
    ...env,
    LONGCAT_MCP_MEDIA_URL: media.href,
    LONGCAT_MCP_OUTPUT_DIR: `${bench.outputDir}-of-another`,
  });
  const read = await client.read(`longcat://media/job_${"e".repeat(26)}/1`);
  expect(read.bytes.equals(bytes)).toBe(true);
  await client.close();
  expect((await readFile(picture)).equals(bytes)).toBe(true);
});
