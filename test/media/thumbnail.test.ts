import { readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import { THUMBNAIL_TYPE, Thumbnails } from "../../src/media/thumbnail.ts";
import { picture } from "../support/pictures.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

async function open() {
  const folder = await tempDir();
  const places = { allowedDirs: [folder], workingDir: folder, homeDir: folder };
  const media = new DiskStore({ ...places, outputDir: folder, homeOwner: OWNER });
  let opened = 0;
  const counting = new Thumbnails({
    open: (...all) => media.open(...all),
    stat: (...all) => media.stat(...all),
    thumbnail: (...all) => media.thumbnail(...all),
    keepThumbnail: (...all) => media.keepThumbnail(...all),
    localPath(...all) {
      opened++;
      return media.localPath(...all);
    },
  });
  const put = async (bytes: Buffer) => {
    const naming = { owner: OWNER, operation: "z", words: "", jobId: "job_abcdef", index: 1 };
    return (await media.put(bytes, { ...naming, extension: "png", createdAt: 0 })).ref;
  };
  const keptNames = (ref: string) =>
    readdir(join(dirname(ref), ".thumbnails")).catch((): string[] => []);
  return { media, thumbnails: counting, put, keptNames, opened: () => opened };
}

it("makes a picture small once, for all who ask, and keeps what is seen through it", async () => {
  const { media, thumbnails, put, keptNames, opened } = await open();
  const wide = await sharp({
    create: { width: 1200, height: 600, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0.5 } },
  })
    .png()
    .toBuffer();
  const ref = await put(wide);
  const [one, other] = await Promise.all([thumbnails.of(OWNER, ref), thumbnails.of(OWNER, ref)]);
  expect(one).toEqual(other);
  expect(await new Thumbnails(media).of(OWNER, ref)).toEqual(one);
  expect(opened()).toBe(1);
  expect(await sharp(one).metadata()).toMatchObject({
    ...{ format: "webp", width: 480, height: 240, hasAlpha: true },
  });
  expect(THUMBNAIL_TYPE).toBe("image/webp");
  expect(await keptNames(ref)).toHaveLength(1);
});

it("has nothing of what is gone, is no picture, or is somebody else's", async () => {
  const { thumbnails, put, keptNames } = await open();
  const ref = await put(await picture("png"));
  expect(await thumbnails.of("eve", ref)).toBeUndefined();
  expect(await thumbnails.of(OWNER, ref)).toBeDefined();
  await rm(ref);
  expect(await thumbnails.of(OWNER, ref)).toBeUndefined();
  expect(await keptNames(ref)).toEqual([]);
  expect(await thumbnails.of(OWNER, await put(Buffer.from("no picture")))).toBeUndefined();
});

it("makes it again of a file that was changed, and follows no link", async () => {
  const { media, thumbnails, put } = await open();
  const ref = await put(await picture("png"));
  const before = await thumbnails.of(OWNER, ref);
  await writeFile(ref, await picture("png", { width: 30, height: 10 }));
  const later = new Date(Date.now() + 60_000);
  await utimes(ref, later, later);
  expect(await thumbnails.of(OWNER, ref)).not.toEqual(before);
  const another = await put(await picture("png", { width: 9 }));
  const elsewhere = join(await tempDir(), "secret");
  await writeFile(elsewhere, "secret");
  await thumbnails.of(OWNER, another);
  const kept = join(
    dirname(another),
    ".thumbnails",
    `${another.slice(dirname(another).length + 1)}.webp`,
  );
  await rm(kept);
  await symlink(elsewhere, kept);
  expect(await media.thumbnail(OWNER, another)).toBeUndefined();
});
