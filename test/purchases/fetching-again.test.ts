import { readFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { filesIn } from "../support/files-in.ts";
import { completed, file, http, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, OWNER, openRig, type Rig, recordJob } from "../support/rig.ts";

const again = async ({ runner }: Rig, job: { jobId: string }) =>
  runner.restore(await runner.get(OWNER, job.jobId));

/** A job that was paid for, and whose files cannot be kept by a media store that fails so. */
async function unkept(failure: Error) {
  const bytes = await picture();
  const gateway = await scriptedGateway({ status: [completed("a.png")], media: [file(bytes)] });
  const rig = await openRig({ origin: gateway.origin });
  const keep = vi.spyOn(rig.media, "keep").mockRejectedValue(failure);
  const failed = await rig.reached(await rig.start(), "failed");
  return { rig, gateway, bytes, keep, failed };
}

describe("what was paid for and could not be kept", () => {
  it.each([
    ["keys that were refused", new AppError("configuration", "The secret key is wrong.")],
    ["a defect", new TypeError("ENAMETOOLONG")],
  ])("because of %s is fetched again, and nothing is bought for it", async (_, failure) => {
    const { rig, gateway, bytes, keep, failed } = await unkept(failure);
    expect(failed).toMatchObject({ charge: "spent", media: [] });
    const spent = await rig.store.committed(OWNER, failed.createdAt);
    // What was wrong is wrong still: it fails as before, and can be asked for once more.
    await again(rig, failed);
    expect(await rig.reached(failed, "failed")).toMatchObject({ charge: "spent" });
    keep.mockRestore();
    expect(await again(rig, failed)).toMatchObject({ state: "downloading", error: null });
    const done = await rig.reached(failed, "completed");
    expect(done).toMatchObject({
      ...{ charge: "spent", costUsd: failed.reservedUsd, deliveredAt: null, error: null },
    });
    expect(await readFile(done.media[0]?.path ?? "")).toEqual(bytes);
    expect(await filesIn(rig.outputDir)).toHaveLength(1);
    expect(gateway.posts).toHaveLength(1);
    expect(await rig.store.committed(OWNER, failed.createdAt)).toEqual(spent);
  });

  it("is fetched once, however many ask for it", async () => {
    const { rig, gateway, keep, failed } = await unkept(new AppError("configuration", "No."));
    keep.mockRestore();
    const before = gateway.fetches.length;
    const asked = await Promise.all([1, 2, 3].map(() => again(rig, failed)));
    expect(asked.map(({ state }) => state)).not.toContain("failed");
    await rig.reached(failed, "completed");
    await rig.quiet();
    expect(gateway.fetches).toHaveLength(before + 1);
    expect(await filesIn(rig.outputDir)).toHaveLength(1);
  });

  it("goes on in another process where this one ends meanwhile", async () => {
    const { rig, gateway, keep, failed } = await unkept(new AppError("configuration", "No."));
    keep.mockRejectedValue(new AppError("storage", "The disk is full."));
    expect(await again(rig, failed)).toMatchObject({ state: "downloading" });
    await rig.close();
    const { origin } = gateway;
    const next = await openRig({ origin, folder: rig.folder, holder: "next" });
    expect(await next.reached(failed, "completed")).toMatchObject({ charge: "spent" });
    expect(gateway.posts).toHaveLength(1);
  });

  it("was gone at the provider for a while, and is fetched once it is there again", async () => {
    const gone = Array.from({ length: 6 }, () => http(404));
    const gateway = await scriptedGateway({
      ...{ status: [completed("a.png")], media: [...gone, file(await picture())] },
    });
    const rig = await openRig({ origin: gateway.origin });
    const failed = await rig.reached(await rig.start(), "failed");
    expect(failed.error).toMatchObject({ code: "media_expired" });
    await again(rig, failed);
    expect((await rig.reached(failed, "completed")).media).toHaveLength(1);
    expect(gateway.posts).toHaveLength(1);
  });

  it("is fetched by nobody who would not follow it, and stays as it is", async () => {
    const gateway = await scriptedGateway({});
    const left = leftJob({
      ...{ baseUrl: "https://elsewhere.example", state: "failed", charge: "spent" },
      mediaUrls: ["https://elsewhere.example/a.png"],
    });
    const rig = await openRig({
      origin: gateway.origin,
      before: (store) => recordJob(store, left, "gone"),
    });
    await expect(again(rig, left)).rejects.toMatchObject({
      ...{ code: "configuration", message: expect.stringContaining("elsewhere.example") },
    });
    expect(await rig.get(left)).toEqual(left);
  });

  it("is told from what has no files: that stays failed", async () => {
    const gateway = await scriptedGateway({ submit: [http(400, { error: "No cats" })] });
    const rig = await openRig({ origin: gateway.origin });
    const failed = await rig.reached(await rig.start(), "failed");
    expect(await again(rig, failed)).toEqual(failed);
    expect(gateway.fetches).toEqual([]);
  });
});

it("of several files only those that are missing are fetched again", async () => {
  const bytes = await picture();
  const gateway = await scriptedGateway({
    status: [completed("a.png", "b.png")],
    media: [file(bytes)],
  });
  const rig = await openRig({ origin: gateway.origin });
  const kept = rig.media.keep.bind(rig.media);
  const keep = vi.spyOn(rig.media, "keep").mockImplementation(async (draft, naming) => {
    if (naming.index === 2) throw new AppError("configuration", "The keys are refused.");
    return kept(draft, naming);
  });
  const job = await rig.start("qwen_image_max_generate", { prompt: "A cat", num_images: 2 });
  const failed = await rig.reached(job, "failed");
  expect(failed.media.map(({ index }) => index)).toEqual([1]);
  keep.mockRestore();
  const fetches = gateway.fetches.length;
  await again(rig, failed);
  const done = await rig.reached(failed, "completed");
  expect(done.media.map(({ index }) => index)).toEqual([1, 2]);
  expect(gateway.fetches).toHaveLength(fetches + 1);
  expect(await filesIn(rig.outputDir)).toHaveLength(2);
});
