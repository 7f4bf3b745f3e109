import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { inspectZip } from "../../src/inputs/training-zip.ts";
import { freePort } from "../support/free-port.ts";
import { picture } from "../support/pictures.ts";
import { openTunnel, type Tunnel } from "../support/tunnel.ts";
import { renamed, zipOf } from "../support/zip.ts";
import { pathsOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

const TRAIN = "qwen_image_edit_plus_train";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
  await mkdir(join(bench.folder, "set"));
  for (const name of ["cat", "dog"]) {
    await writeFile(join(bench.folder, "set", `${name}_start.png`), await picture());
    await writeFile(join(bench.folder, "set", `${name}_end.png`), await picture());
    await writeFile(join(bench.folder, "set", `${name}.txt`), `a ${name}`);
  }
});

afterEach(() => bench.close());

const bodySchema = z.looseObject({ image_data_url: z.string() });

function sent(): string {
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  return bodySchema.parse(posts.at(-1)?.body).image_data_url;
}

describe.each(["sdk 1.x", "client 2.x"] as const)("%s", (kind) => {
  let client: McpClient;
  let tunnel: Tunnel;

  afterEach(() => tunnel.close());

  beforeEach(async () => {
    const port = await freePort();
    tunnel = await openTunnel(port);
    ({ client } = await bench.connect(kind, "stdio", {
      LONGCAT_MCP_PUBLIC_URL: `${tunnel.url}/`,
      LONGCAT_MCP_PUBLIC_PORT: String(port),
    }));
  });

  test("a folder is zipped, and what comes of it is kept as files", async () => {
    const result = await client.call(TRAIN, { image_data_url: "set", steps: 100 });
    expect(textOf(result)).toMatch(/ completed in [\d.]+ s: 2 files, .*, \$0\.04/);
    expect(textOf(result)).toContain(
      "Note: Training set: 2 complete pairs, 4 pictures, 2 captions",
    );
    expect(result.content.filter((block) => block.type === "image")).toEqual([]);
    const endings = pathsOf(result).map((path) => path.slice(path.lastIndexOf(".")));
    expect(endings).toEqual([".safetensors", ".json"]);
    expect(JSON.parse(await readFile(pathsOf(result)[1] ?? "", "utf8"))).toMatchObject({
      image_data_url: sent(),
    });
    const zip = tunnel.bytesOf(sent()) ?? Buffer.alloc(0);
    const report = await inspectZip(zip, { defaultCaption: undefined, referenceCount: undefined });
    expect(report).toMatchObject({ pairs: 2, warnings: [], problems: [] });
  });

  test("a ZIP file is sent to the last byte", async () => {
    const zip = await zipOf({ "a_start.png": await picture(), "a_end.png": await picture() });
    await writeFile(join(bench.folder, "set.zip"), zip);
    const result = await client.call(TRAIN, {
      image_data_url: "set.zip",
      default_caption: "a cat",
    });
    expect(textOf(result)).toMatch(/ completed in /);
    expect(tunnel.bytesOf(sent())?.equals(zip)).toBe(true);
  });

  test("a check tells what is missing, without a key's worth of anything", async () => {
    await writeFile(join(bench.folder, "set", "bird_start.png"), await picture());
    const result = await client.call(TRAIN, { image_data_url: "set", dry_run: true });
    expect(result.isError ?? false).toBe(false);
    expect(textOf(result)).toMatch(/^Dry run: nothing was recorded, sent or charged/);
    expect(textOf(result)).toMatch(/2 complete pairs[\s\S]*Check: bird_end is missing/);
    expect(bench.posts).toBe(0);
    const listed = await client.call("job_list", {});
    expect(listed.structuredContent?.["jobs"]).toEqual([]);
  });

  test("an archive that leads out of itself, or bursts, is refused before anything is sent", async () => {
    const evil = renamed(await zipOf({ xxxevilpng: await picture() }), "xxxevilpng", "../evilpng");
    const bomb = await zipOf({ "a_start.png": Buffer.alloc(64 * 1024 * 1024) });
    for (const [name, bytes, reason] of [
      ["evil.zip", evil, "leads out of it"],
      ["bomb.zip", bomb, "would grow"],
      ["none.zip", Buffer.from("hello"), "no ZIP file"],
    ] as const) {
      await writeFile(join(bench.folder, name), bytes);
      for (const dry_run of [true, false]) {
        const result = await client.call(TRAIN, { image_data_url: name, dry_run });
        expect(result.isError).toBe(true);
        expect(textOf(result)).toContain(reason);
      }
    }
    expect(bench.posts).toBe(0);
  });
});

test("without a public address a local set can be looked at but not sent", async () => {
  const { client } = await bench.connect("client 2.x");
  const checked = await client.call(TRAIN, { image_data_url: "set", dry_run: true });
  expect(checked.isError ?? false).toBe(false);
  expect(textOf(checked)).toMatch(
    /^Dry run: the real call would be refused: invalid_input: .*needs a public address/,
  );
  expect(textOf(checked)).toContain("2 complete pairs");
  const refused = await client.call(TRAIN, { image_data_url: "set" });
  expect(textOf(refused)).toMatch(/^invalid_input: [\s\S]*LONGCAT_MCP_PUBLIC_URL/);
  expect(bench.posts).toBe(0);
});
