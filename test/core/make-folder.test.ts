import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, makeFolderSync } from "../../src/core/make-folder.ts";
import { tempDir } from "../support/temp-dir.ts";

it("a folder is made by whoever asks, also when many do at once", async () => {
  const root = await tempDir();
  for (let round = 0; round < 30; round++) {
    const deep = (n: number) => join(root, String(round), "a", "b", "c", String(n % 2));
    await Promise.all(Array.from({ length: 16 }, (_, n) => makeFolder(deep(n))));
    expect((await stat(deep(1))).mode & 0o777).toBe(0o700);
  }
  const other = join(root, "sync", "a", "b");
  for (let i = 0; i < 2; i++) makeFolderSync(other);
  expect((await stat(other)).isDirectory()).toBe(true);
});

it("what cannot be one is an error, and never waited for", async () => {
  const root = await tempDir();
  await writeFile(join(root, "file"), "");
  for (const path of [join(root, "file"), join(root, "file", "below"), "/proc/longcat/deep"]) {
    await expect(makeFolder(path)).rejects.toThrow();
    expect(() => makeFolderSync(path)).toThrow();
  }
});
