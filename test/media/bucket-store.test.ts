import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { BucketStore } from "../../src/media/bucket-store.ts";
import type { MediaNaming } from "../../src/media/media-store.ts";
import { describeMediaStore } from "../contracts/media-store.ts";
import { FakeBucket } from "../support/fake-bucket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { bucketStore } from "./bucket-opener.ts";

describeMediaStore(
  "the bucket store",
  async () => {
    const [place, bucket] = [await tempDir(), await FakeBucket.open()];
    const endpoint = `http://127.0.0.1:${bucket.port}`;
    await writeFile(join(place, "endpoint"), endpoint);
    return { place, open: () => bucketStore(place, endpoint) };
  },
  join(import.meta.dirname, "bucket-opener.ts"),
  "replaced",
);

const NAMING: MediaNaming = {
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "A red fox",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  extension: "png",
  createdAt: Date.parse("2026-11-20T12:00:00Z"),
};
const KEY =
  "pre/media/local/2026-11-20/job_abcdefghijklmnopqrstuvwxyz/z-image-turbo-generate-A-red-fox-uvwxyz-1.png";
const LINK = {
  seconds: 60,
  mimeType: "image/png",
  disposition: 'attachment; filename="a.png"',
  method: "GET",
} as const;

describe("a bucket of finished files", () => {
  let bucket: FakeBucket;
  let clock: FakeClock;
  let folder: string;
  let store: BucketStore;

  beforeEach(async () => {
    [bucket, folder] = [await FakeBucket.open(), await tempDir()];
    clock = new FakeClock();
    store = openStore();
  });

  function openStore(change: { hasLinks?: boolean; keepPrompts?: boolean } = {}): BucketStore {
    return new BucketStore({
      ...{ client: bucket.client(clock), clock, homeOwner: OWNER, hasLinks: true },
      draftsDir: join(folder, "drafts"),
      ...change,
    });
  }

  it("calls a job's file the same, whoever keeps it, and by its words if it may", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    expect(ref.toLowerCase()).toBe(KEY.toLowerCase());
    expect((await openStore().put(Buffer.from("a"), NAMING)).ref).toBe(ref);
    const unnamed = await openStore({ keepPrompts: false }).put(Buffer.from("a"), NAMING);
    expect(unnamed.ref).not.toMatch(/fox/i);
  });

  it("keeps a draft under the digest that is known of it, and nothing of it here", async () => {
    const draft = store.newDraft(NAMING);
    await store.prepareDraft(draft);
    await writeFile(draft, "abc");
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ref = await store.keep(draft, NAMING, { sha256 });
    expect(bucket.files.get(ref)?.bytes.toString()).toBe("abc");
    expect(bucket.hits.at(-1)?.headers["x-amz-content-sha256"]).toBe(sha256);
    expect(await readdir(join(folder, "drafts", OWNER))).toEqual([]);
  });

  it("keeps a draft where it is as long as it cannot be kept there", async () => {
    const draft = store.newDraft(NAMING);
    await store.prepareDraft(draft);
    await writeFile(draft, "abc");
    bucket.fault = () => ({ status: 503 });
    await expect(store.keep(draft, NAMING, { once: true })).rejects.toMatchObject({
      code: "storage",
    });
    bucket.fault = () => undefined;
    await store.keep(draft, NAMING);
    expect(bucket.files.size).toBe(1);
  });

  it("lets parts go that somebody has left of a job, and of no other", async () => {
    const client = bucket.client();
    const left = KEY.replace("-1.png", "-2.png");
    const others = KEY.replace("job_abc", "job_xyz");
    for (const key of [left, others]) await client.begin(key, "");
    await store.clearDrafts(NAMING);
    expect([...bucket.uploads.values()].map(({ key }) => key)).toEqual([others]);
    bucket.fault = () => ({ status: 503 });
    // It is tidied up, and no more.
    await store.clearDrafts(NAMING);
  });

  it("refuses purchases while it cannot be used, and looks at it seldom otherwise", async () => {
    await store.checkRoom(OWNER, "images", 1);
    await store.checkRoom(OWNER, "images", 1);
    expect(bucket.hits.length).toBe(1);
    bucket.fault = () => ({ status: 503 });
    await store.checkRoom(OWNER, "images", 1);
    await clock.advance(6_000);
    await expect(store.checkRoom(OWNER, "images", 1)).rejects.toMatchObject({ code: "storage" });
    bucket.fault = () => ({ status: 403, code: "SignatureDoesNotMatch" });
    await expect(store.checkRoom(OWNER, "images", 1)).rejects.toMatchObject({
      code: "configuration",
    });
    bucket.fault = () => undefined;
    await store.checkRoom(OWNER, "images", 1);
  });

  it("asks again at once where nobody was at the connection any more", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    let cuts = 1;
    bucket.fault = () => (cuts-- > 0 ? "cut" : undefined);
    expect(await store.stat(OWNER, ref)).toMatchObject({ sizeBytes: 1 });
    bucket.fault = () => "cut";
    await expect(store.stat(OWNER, ref)).rejects.toMatchObject({ code: "storage" });
  });

  it("does not call a file missing that nobody can tell of", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    bucket.fault = () => ({ status: 500 });
    await expect(store.stat(OWNER, ref)).rejects.toMatchObject({ code: "storage" });
    await expect(store.open(OWNER, ref)).rejects.toMatchObject({ code: "storage" });
    expect(await store.thumbnail(OWNER, ref)).toBeUndefined();
  });

  it("links to a file for whoever may have it, where they find the bucket", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    const link = new URL((await store.url(OWNER, ref, LINK)) ?? "");
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      "X-Amz-Expires": "60",
      "response-content-type": "image/png",
      "response-content-disposition": 'attachment; filename="a.png"',
    });
    expect(await openStore({ hasLinks: false }).url(OWNER, ref, LINK)).toBeUndefined();
  });

  it.each([
    "pre/media/ada/2026-11-20/job_a/x.png",
    "media/local/2026-11-20/job_a/.thumbnails/x.webp",
    "pre/media/local/2026-11-20/job_a/../../../ada/2026-11-20/job_a/x.png",
    "../media/local/2026-11-20/job_a/x.png",
    "pre//media/local/2026-11-20/job_a/x.png",
    "pre/media/local/2026-11-20/job_a/..",
    "pre/media/local/2026-11-20/other/x.png",
    "pre/media/local/today/job_a/x.png",
    "pre/hosted/x.png",
    "/home/me/Pictures/2026-11-20/x.png",
    "",
  ])("has no file %j of this owner's, and asks nobody", async (ref) => {
    expect(await store.stat(OWNER, ref)).toBeUndefined();
    await expect(store.open(OWNER, ref)).rejects.toMatchObject({ code: "not_found" });
    expect(await store.url(OWNER, ref, LINK)).toBeUndefined();
    await store.delete(OWNER, ref);
    expect(bucket.hits).toEqual([]);
  });

  it("still reads what was kept under another prefix", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    const elsewhere = new BucketStore({
      ...{ client: bucket.client(clock, "other"), clock, homeOwner: OWNER, hasLinks: true },
      draftsDir: folder,
    });
    expect(await elsewhere.stat(OWNER, ref)).toMatchObject({ sizeBytes: 1 });
  });

  it("forgets the small picture of a file that was deleted while it was made", async () => {
    const { ref } = await store.put(Buffer.from("a"), NAMING);
    bucket.fault = ({ method, key }) => {
      if (method === "PUT" && key.includes(".thumbnails")) bucket.files.delete(ref);
      return undefined;
    };
    await expect(store.keepThumbnail(OWNER, ref, Buffer.from("s"))).rejects.toMatchObject({
      code: "not_found",
    });
    expect(bucket.files.size).toBe(0);
  });

  it("removes all of an owner's, however many pages that are, and unfinished uploads", async () => {
    bucket.page = 3;
    for (let index = 1; index <= 20; index++) {
      await store.put(Buffer.from("a"), { ...NAMING, owner: "ada", index });
    }
    const streamed = { ...NAMING, owner: "adam" };
    const { ref } = await store.put(Readable.from([Buffer.from("a")]), streamed);
    await bucket.client().begin("pre/media/ada/2026-11-20/job_a/x.png", "");
    await store.deleteAll("ada");
    expect([...bucket.files.keys()]).toEqual([ref]);
    expect(bucket.uploads.size).toBe(0);
  });
});
