import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { DiskStore } from "../../src/media/disk-store.ts";
import { type FilesEnds, MovedFiles, refsIn } from "../../src/moving/moved-files.ts";
import { tempDir } from "../support/temp-dir.ts";

const BYTES = Buffer.from("\x89PNG\r\n\x1a\nas good as a picture");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const JOB = {
  jobId: `job_${"a".repeat(26)}`,
  operation: "z_image_turbo_generate",
  createdAt: Date.UTC(2026, 10, 20),
  words: "A boat",
  before: "local",
  after: "local",
};

let folder: string;
let ends: FilesEnds;
beforeEach(async () => {
  folder = await tempDir();
  const disk = (name: string) =>
    new DiskStore({
      outputDir: join(folder, name),
      allowedDirs: [],
      workingDir: folder,
      homeDir: folder,
      homeOwner: "local",
    });
  ends = { from: disk("here"), to: disk("there"), isElsewhere: () => true };
});

/** A file as a job has it. */
async function made(name: string, bytes = BYTES, more: object = {}) {
  const path = join(folder, "here", "2026-11-20", name);
  await mkdir(join(folder, "here", "2026-11-20"), { recursive: true });
  await writeFile(path, bytes);
  return { index: 1, path, sizeBytes: bytes.length, sha256: SHA256, url: "", copies: [], ...more };
}

/** A store that does some things in another way. */
function changed(to: FilesEnds["to"], how: Partial<FilesEnds["to"]>): FilesEnds["to"] {
  return {
    put: (...of) => to.put(...of),
    stat: (...of) => to.stat(...of),
    open: (...of) => to.open(...of),
    list: (...of) => to.list(...of),
    delete: (...of) => to.delete(...of),
    keepThumbnail: (...of) => to.keepThumbnail(...of),
    clearDrafts: (...of) => to.clearDrafts(...of),
    makeRoom: (...of) => to.makeRoom(...of),
    ...how,
  };
}

const there = async () =>
  (await readdir(join(folder, "there"), { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((one) => one.isFile())
    .map(({ name }) => name)
    .sort();

const moved = (files: MovedFiles, media: readonly object[], job: Partial<typeof JOB> = {}) =>
  files.move(JSON.stringify(media), { ...JOB, ...job });

describe("the files of a job", () => {
  it("wait for a store that does not take them, and each reason is said once", async () => {
    const to = changed(ends.to, {
      put: async (content, naming, how) => {
        for (const why of ["It is full.", "It is full.", "It is away."]) how?.waiting?.(why);
        return ends.to.put(content, naming);
      },
    });
    const said: string[] = [];
    const files = new MovedFiles({ ...ends, to }, false, (text) => said.push(text));
    await moved(files, [await made("a.png")]);
    expect(said).toEqual([
      expect.stringMatching(/^It is full\. It is tried again for ten minutes/),
      expect.stringMatching(/^It is away\. .* the same command goes on where it was\.$/),
    ]);
    expect(files.sum.copied).toBe(1);
  });

  it("go to another store whole, under its names, and stay where they were", async () => {
    const picture = await made("boat.png");
    const files = new MovedFiles(ends, false, () => {});
    const media = await moved(files, [picture]);
    const [ref = ""] = refsIn(media);
    expect(ref.startsWith(join(folder, "there"))).toBe(true);
    expect(await readFile(ref)).toEqual(BYTES);
    expect(await readFile(picture.path)).toEqual(BYTES);
    expect(z.array(z.unknown()).parse(JSON.parse(media))).toEqual([{ ...picture, path: ref }]);
    expect(files.sum).toEqual({ copied: 1, bytes: BYTES.length, missing: 0, changed: 0 });
  });

  it("are told apart by what they are for", async () => {
    const media = [
      await made("a.png"),
      await made("b.png", BYTES, { index: 2, role: "sheet" }),
      await made("c.json", BYTES, { index: 3, role: "manifest" }),
    ];
    const refs = refsIn(await moved(new MovedFiles(ends, false, () => {}), media));
    expect(refs.map((ref) => /-([a-z0-9]+\.[a-z]+)$/.exec(ref)?.[1])).toEqual([
      ...["1.png", "sheet.png", "manifest.json"],
    ]);
  });

  it("stay where they are when they would lie there as well", async () => {
    const files = new MovedFiles(
      { ...ends, isElsewhere: (one, other) => one !== other },
      false,
      () => {},
    );
    const media = JSON.stringify([await made("boat.png")]);
    expect(await files.move(media, JOB)).toBe(media);
    expect(await there()).toEqual([]);
    expect(await files.move("[]", { ...JOB, after: "user_a" })).toBe("[]");
  });

  it("become another owner's in that owner's folder", async () => {
    const media = await moved(new MovedFiles(ends, false, () => {}), [await made("a.png")], {
      after: "user_a",
    });
    expect(refsIn(media)[0]).toContain(join("there", "users", "user_a", "2026-11-20"));
  });

  it("are as they are now, and those that are gone are counted", async () => {
    const changed = await made("a.png", Buffer.from("drawn over"));
    const gone = await made("b.png", BYTES, { index: 2 });
    await rm(gone.path);
    const files = new MovedFiles(ends, false, () => {});
    const refs = refsIn(await moved(files, [changed, gone]));
    expect(await readFile(refs[0] ?? "", "utf8")).toBe("drawn over");
    expect(refs[1]).toBe(gone.path);
    expect(files.sum).toMatchObject({ copied: 1, missing: 1, changed: 1 });
  });

  it("are not copied twice when a move goes on that was cut off, nor taken for others", async () => {
    const media = [await made("a.png"), await made("b.png", Buffer.from("b"), { index: 2 })];
    const first = refsIn(await moved(new MovedFiles(ends, false, () => {}), media));
    const leftDraft = `${first[0]?.replace(/[^/]+$/, "")}.${JOB.jobId}-1.other-1.partial`;
    await writeFile(leftDraft, "half");
    const again = refsIn(await moved(new MovedFiles(ends, true, () => {}), media));
    expect(again).toEqual(first);
    expect(await there()).toHaveLength(2);
  });

  it("are not taken for copies of themselves by a store that lists them as well", async () => {
    const { to } = ends;
    const picture = await made(`z-image-turbo-boat-${JOB.jobId.slice(-6)}-1.png`);
    const both = changed(to, {
      async *list(owner) {
        yield picture.path;
        yield* to.list(owner);
      },
    });
    const files = new MovedFiles({ ...ends, to: both }, true, () => {});
    const [ref = ""] = refsIn(await moved(files, [picture]));
    expect(ref.startsWith(join(folder, "there"))).toBe(true);
    expect(await there()).toHaveLength(1);
  });

  it("that do not arrive as they are end the move", async () => {
    const put: FilesEnds["to"]["put"] = async (content, naming) => {
      const kept = await ends.to.put(Buffer.from("less"), naming);
      for await (const _ of content instanceof Uint8Array ? [] : content);
      return kept;
    };
    const { to } = ends;
    const broken = changed(to, { put });
    const files = new MovedFiles({ ...ends, to: broken }, false, () => {});
    await expect(moved(files, [await made("a.png")])).rejects.toThrow(/did not arrive as it is/);
  });
});
