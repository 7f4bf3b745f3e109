import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { DiskStore } from "../../src/media/disk-store.ts";
import { type MediaNaming, type MediaStore, readMedium } from "../../src/media/media-store.ts";
import { openMedia } from "../../src/media/open-media.ts";
import { FakeBucket } from "../support/fake-bucket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

/* A bucket on a machine that has kept files on its disk before. */

const NAMING: MediaNaming = {
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "fox",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  extension: "png",
  createdAt: Date.parse("2026-11-20T12:00:00Z"),
};

let bucket: FakeBucket;
let folder: string;
let disk: DiskStore;
let store: MediaStore;

beforeEach(async () => {
  [bucket, folder] = [await FakeBucket.open(), await tempDir()];
  disk = new DiskStore(options());
  store = await open();
});

function options(change: { publicUrl?: string; publicEndpoint?: string } = {}) {
  const { publicUrl, publicEndpoint } = change;
  const place = bucket.place();
  return {
    ...{ outputDir: join(folder, "out"), allowedDirs: [], workingDir: folder, homeDir: folder },
    ...{ dataDir: join(folder, "data"), homeOwner: OWNER, publicUrl },
    mediaBucket: {
      ...place,
      address: { ...place.address, publicEndpoint: publicEndpoint ?? place.address.endpoint },
    },
  };
}

const open = (change: Parameters<typeof options>[0] = {}) =>
  openMedia(options(change), { http: new HttpClient(), clock: new FakeClock() });
const bytesOf = async (ref: string) => (await readMedium(store, OWNER, ref)).toString();

it("keeps what comes in the bucket, and still has what lies on the disk", async () => {
  const earlier = await disk.put(Buffer.from("earlier"), NAMING);
  const { ref } = await store.put(Buffer.from("new"), NAMING);
  expect(bucket.files.has(ref)).toBe(true);
  expect([await bytesOf(earlier.ref), await bytesOf(ref)]).toEqual(["earlier", "new"]);
  expect(store.localPath?.(OWNER, earlier.ref)).toBe(earlier.ref);
  expect(store.localPath?.(OWNER, ref)).toBeUndefined();
  const listed: string[] = [];
  for await (const one of store.list(OWNER)) listed.push(one);
  expect(listed.sort()).toEqual([earlier.ref, ref].sort());
});

it("deletes, shows small and lets go each where it is", async () => {
  const earlier = await disk.put(Buffer.from("earlier"), NAMING);
  const { ref } = await store.put(Buffer.from("new"), NAMING);
  for (const one of [earlier.ref, ref]) {
    await store.keepThumbnail(OWNER, one, Buffer.from("small"));
    expect((await store.thumbnail(OWNER, one))?.toString()).toBe("small");
  }
  await store.letGo(OWNER, ref);
  expect(await store.stat(OWNER, ref)).toBeDefined();
  for (const one of [earlier.ref, ref]) {
    await store.delete(OWNER, one);
    expect(await store.stat(OWNER, one)).toBeUndefined();
  }
  expect(bucket.files.size).toBe(0);
});

it("removes all of an owner's, wherever it is", async () => {
  const hers = { ...NAMING, owner: "ada" };
  await disk.put(Buffer.from("earlier"), hers);
  await store.put(Buffer.from("new"), hers);
  await store.deleteAll("ada");
  for await (const one of store.list("ada")) expect.unreachable(one);
  await expect(store.deleteAll(OWNER)).rejects.toMatchObject({ code: "internal" });
});

it("keeps drafts in the data folder, where nobody looks for pictures", async () => {
  const draft = store.newDraft(NAMING);
  expect(draft.startsWith(join(folder, "data", "drafts"))).toBe(true);
  await store.prepareDraft(draft);
  await writeFile(draft, "half");
  await store.clearDrafts(NAMING);
  await store.keep(draft, NAMING);
  const another = store.newDraft(NAMING);
  await store.discardDrafts([another]);
  expect(bucket.files.size).toBe(1);
});

it.each([
  [{}, true],
  [{ publicUrl: "http://127.0.0.1:8788" }, true],
  [{ publicUrl: "https://mcp.example.com" }, false],
  [{ publicUrl: "https://mcp.example.com", publicEndpoint: "https://s3.example.com" }, true],
  [{ publicUrl: "https://mcp.example.com", publicEndpoint: "http://minio:9000" }, false],
])("links there for whoever finds both, with %j", async (change, hasLinks) => {
  const wishes = {
    seconds: 60,
    mimeType: "image/png",
    disposition: "attachment",
    method: "GET",
  } as const;
  const there = await open(change);
  const { ref } = await there.put(Buffer.from("new"), NAMING);
  expect((await there.url(OWNER, ref, wishes)) !== undefined).toBe(hasLinks);
});

it("is the disk alone without a bucket", async () => {
  await mkdir(join(folder, "out"), { recursive: true });
  const own = { ...options(), mediaBucket: undefined };
  const plain = await openMedia(own, { http: new HttpClient(), clock: new FakeClock() });
  expect(plain).toBeInstanceOf(DiskStore);
});
