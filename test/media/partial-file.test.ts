import { readdir, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { PartialFile } from "../../src/media/partial-file.ts";
import { tempDir } from "../support/temp-dir.ts";

const CHECKPOINT = { etag: '"v1"', length: 100, sizeBytes: 40 };

let folder: string;
let partial: PartialFile;

beforeEach(async () => {
  folder = await tempDir();
  partial = new PartialFile("https://example.com/a", join(folder, "a.partial"));
});

describe("a file that is fetched", () => {
  it("is begun at its beginning, and nothing is looked for", async () => {
    expect(await partial.resume()).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([40, 60])("is gone on with where a try broke off: %i bytes are there", async (bytes) => {
    await writeFile(partial.path, Buffer.alloc(bytes));
    partial.checkpoint = CHECKPOINT;
    expect(await partial.resume()).toEqual(CHECKPOINT);
    expect(await partial.resume()).toEqual(CHECKPOINT);
  });

  it.each([
    ["less is there than was", (path: string) => truncate(path, 39)],
    ["it is empty", (path: string) => truncate(path, 0)],
    ["it is gone", unlink],
  ])("is begun anew where %s", async (_, change) => {
    await writeFile(partial.path, Buffer.alloc(40));
    partial.checkpoint = CHECKPOINT;
    await change(partial.path);
    expect(await partial.resume()).toBeUndefined();
    await writeFile(partial.path, Buffer.alloc(40));
    expect(await partial.resume()).toBeUndefined();
  });

  it("leaves nothing once it is discarded, however often", async () => {
    await writeFile(partial.path, Buffer.alloc(40));
    partial.checkpoint = CHECKPOINT;
    await partial.discard();
    await partial.discard();
    expect(await readdir(folder)).toEqual([]);
    expect(await partial.resume()).toBeUndefined();
  });
});
