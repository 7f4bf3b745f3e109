import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, it, vi } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import { tempDir } from "../support/temp-dir.ts";

/** A file system without hard links, as on many memory cards. */
vi.mock("node:fs/promises", async (original) => ({
  ...(await original<typeof import("node:fs/promises")>()),
  link: () => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" })),
}));

const NAMING = {
  owner: "local",
  operation: "longcat_image_generate",
  words: "",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  extension: "png",
  createdAt: 0,
};

async function openStore(): Promise<DiskStore> {
  const folder = await tempDir();
  return new DiskStore({
    outputDir: folder,
    homeOwner: "local",
    allowedDirs: [],
    workingDir: folder,
    homeDir: folder,
  });
}

it("a finished file gets its name without hard links too, and replaces nothing", async () => {
  const store = await openStore();
  for (const content of ["one", "two"]) {
    const partial = store.newDraft(NAMING);
    await store.prepareDraft(partial);
    await writeFile(partial, content);
    expect(await readFile(await store.keep(partial, NAMING), "utf8")).toBe(content);
  }
});

it("an unfinished file that another process has removed leaves no empty one", async () => {
  const store = await openStore();
  const partial = store.newDraft(NAMING);
  await store.prepareDraft(partial);
  await expect(store.keep(partial, NAMING)).rejects.toMatchObject({ code: "storage" });
  expect(await readdir(dirname(partial))).toEqual([]);
});
