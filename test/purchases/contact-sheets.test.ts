import { copyFile, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Medium, WholeJob } from "../../src/jobs/job.ts";
import type { Sheet } from "../../src/purchases/contact-sheets.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, OWNER, openRig, type Rig, recordJob } from "../support/rig.ts";

const COUNT = 5;

/** A job with five pictures on disk, in a folder that any number of programs share. */
async function openJob(change: Partial<WholeJob> = {}) {
  const rig = await openRig({ origin: "http://127.0.0.1:9" });
  const media: Medium[] = [];
  const naming = { operation: "z_image_turbo_generate", words: "", createdAt: 1_700_000_000_000 };
  for (let index = 1; index <= COUNT; index++) {
    const bytes = await picture("png", { width: 40 * index, height: 40 });
    const jobId = `job_${"a".repeat(26)}`;
    const own = { ...naming, owner: OWNER, jobId, index, extension: "png" };
    const { ref, ...kept } = await rig.media.put(bytes, own);
    const facts = { url: "", mimeType: "image/png", width: 40 * index, height: 40, copies: [] };
    media.push({ index, path: ref, ...facts, ...kept });
  }
  const job = leftJob({
    baseUrl: "http://127.0.0.1:9",
    state: "completed",
    charge: "spent",
    media,
    ...change,
  });
  await recordJob(rig.store, job, "me");
  return { rig, job };
}

async function filesOf({ outputDir }: Rig): Promise<string[]> {
  const entries = await readdir(outputDir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const bytesOf = async ({ source }: Sheet) =>
  typeof source === "string" ? readFile(source) : source;

describe("a job's contact sheet", () => {
  it("is made once, kept beside the files, and one of the job's from then on", async () => {
    const { rig, job } = await openJob();
    const sheet = await rig.purchases.sheetOf(job);
    const kept = await rig.get(job);
    expect(kept.media.slice(0, COUNT)).toEqual(job.media);
    expect(kept.media[COUNT]).toMatchObject({
      index: COUNT + 1,
      role: "sheet",
      path: sheet.path,
      mimeType: "image/png",
      url: "",
    });
    expect((await filesOf(rig)).filter((path) => path.includes("sheet"))).toEqual([sheet.path]);
    const { mtimeMs } = await stat(sheet.path ?? "");
    expect(await rig.purchases.sheetOf(kept)).toEqual({ source: sheet.path, path: sheet.path });
    expect((await stat(sheet.path ?? "")).mtimeMs).toBe(mtimeMs);
  });

  it("is one file where several make it at once, in this process and another", async () => {
    const { rig, job } = await openJob();
    const other = await openRig({
      origin: "http://127.0.0.1:9",
      folder: rig.folder,
      holder: "another-process",
    });
    const sheets = await Promise.all(
      [rig, other, rig, other].map(({ purchases }) => purchases.sheetOf(job)),
    );
    const { media } = await rig.get(job);
    expect(media).toHaveLength(COUNT + 1);
    expect(await filesOf(rig)).toHaveLength(COUNT + 1);
    const bytes = await readFile(media[COUNT]?.path ?? "");
    for (const sheet of sheets) {
      expect(sheet.path).toBe(media[COUNT]?.path);
      expect((await bytesOf(sheet)).equals(bytes)).toBe(true);
    }
  });

  it.each([
    ["deleted", (path: string) => rm(path)],
    ["no picture any more", (path: string) => writeFile(path, "text")],
  ])("is made again where it was %s, under its number", async (_, spoil) => {
    const { rig, job } = await openJob();
    const first = await rig.purchases.sheetOf(job);
    const bytes = await bytesOf(first);
    await spoil(first.path ?? "");
    const again = await rig.purchases.sheetOf(await rig.get(job));
    expect((await bytesOf(again)).equals(bytes)).toBe(true);
    const { media } = await rig.get(job);
    expect(media.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(media[COUNT]).toMatchObject({ role: "sheet", path: again.path });
    expect((await readFile(again.path ?? "")).equals(bytes)).toBe(true);
  });

  it("with a picture missing is shown and not kept, so that it is whole once that is back", async () => {
    const { rig, job } = await openJob();
    const [, second] = job.media;
    const aside = join(rig.folder, "aside.png");
    await copyFile(second?.path ?? "", aside);
    await rm(second?.path ?? "");
    const partial = await rig.purchases.sheetOf(job);
    expect(partial.path).toBeUndefined();
    expect((await rig.get(job)).media).toEqual(job.media);
    await copyFile(aside, second?.path ?? "");
    const whole = await rig.purchases.sheetOf(job);
    expect(whole.path).toBeDefined();
    expect((await bytesOf(whole)).equals(await bytesOf(partial))).toBe(false);
  });

  it("of a job whose files still arrive is shown and not kept", async () => {
    const { rig, job } = await openJob({ state: "downloading", charge: "reserved" });
    expect((await rig.purchases.sheetOf(job)).path).toBeUndefined();
    expect(await filesOf(rig)).toHaveLength(COUNT);
  });

  it("that cannot be recorded is shown, and leaves no file", async () => {
    const { rig, job } = await openJob();
    rig.store.amendMedia = () => Promise.reject(new Error("the disk is full"));
    const sheet = await rig.purchases.sheetOf(job);
    expect(sheet.path).toBeUndefined();
    expect((await bytesOf(sheet)).length).toBeGreaterThan(1_000);
    expect(await filesOf(rig)).toHaveLength(COUNT);
  });
});
