import { expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { holdersIn } from "../../src/front/unfinished.ts";
import { filesIn } from "../support/files-in.ts";
import { completed, file, http, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { OWNER, openRig, type Rig, type RigOptions } from "../support/rig.ts";

const again = async ({ runner }: Rig, job: { jobId: string }, owner = OWNER) =>
  runner.restore(await runner.get(owner, job.jobId));

/** A job that was paid for, of two pictures that could not be kept, and can be by now. */
async function unkept(more: Partial<RigOptions> = {}) {
  const gateway = await scriptedGateway({
    status: [completed("a.png", "b.png")],
    media: [file(await picture())],
  });
  const rig = await openRig({ origin: gateway.origin, ...more });
  const failure = new AppError("configuration", "The keys are refused.");
  const keep = vi.spyOn(rig.media, "keep").mockRejectedValue(failure);
  const asked = { prompt: "A purple harbour", num_images: 2 };
  const failed = await rig.reached(await rig.start("qwen_image_max_generate", asked), "failed");
  keep.mockRestore();
  return { rig, gateway, failed };
}

it("is nobody's but its owner's, and nothing of a job that was deleted", async () => {
  const { rig, gateway, failed } = await unkept();
  const before = gateway.hits.length;
  await expect(again(rig, failed, "somebody")).rejects.toMatchObject({ code: "not_found" });
  const looked = await rig.get(failed);
  await rig.runner.delete(OWNER, failed.jobId, true);
  // Looked up before it was deleted, and asked for after that.
  await expect(rig.runner.restore(looked)).rejects.toMatchObject({ code: "not_found" });
  await rig.quiet();
  expect(gateway.hits).toHaveLength(before);
  expect(await filesIn(rig.outputDir)).toEqual([]);
});

it("cannot be deleted while it is fetched, nor cancelled", async () => {
  const { rig, failed } = await unkept();
  vi.spyOn(rig.media, "keep").mockRejectedValue(new AppError("storage", "The disk is full."));
  await again(rig, failed);
  await expect(rig.runner.delete(OWNER, failed.jobId, true)).rejects.toMatchObject({
    code: "invalid_input",
  });
  await rig.runner.cancel(OWNER, failed.jobId);
  expect(await rig.get(failed)).toMatchObject({ state: "downloading", charge: "spent" });
});

it("has all its files where prompts are not kept", async () => {
  const { rig, gateway, failed } = await unkept({ keepsPrompts: false });
  expect(JSON.stringify(failed)).not.toContain("purple");
  await again(rig, failed);
  const done = await rig.reached(failed, "completed");
  expect(done.media.map(({ index }) => index)).toEqual([1, 2]);
  expect(JSON.stringify(done)).not.toContain("purple");
  expect(gateway.posts).toHaveLength(1);
});

it("is told of once more when it is there, to whoever had heard that it failed", async () => {
  const { rig, failed } = await unkept();
  await rig.runner.markDelivered(failed);
  expect((await rig.get(failed)).deliveredAt).not.toBeNull();
  await again(rig, failed);
  const done = await rig.reached(failed, "completed");
  expect(done.deliveredAt).toBeNull();
  expect(await again(rig, done)).toMatchObject({ state: "completed", media: done.media });
});

it("is found by whoever starts next, should the process be killed at once", async () => {
  const { rig, failed } = await unkept();
  const folder = rig.connection.folder;
  await rig.store.beat("this-process");
  expect(holdersIn(folder)).toEqual([]);
  vi.spyOn(rig.media, "keep").mockRejectedValue(new AppError("storage", "The disk is full."));
  await again(rig, failed);
  expect(holdersIn(folder)).toEqual(["this-process"]);
});

it("fails as often as it is asked for where the files have gone, and costs nothing more", async () => {
  const gateway = await scriptedGateway({ status: [completed("a.png")], media: [http(404)] });
  const rig = await openRig({ origin: gateway.origin });
  const failed = await rig.reached(await rig.start(), "failed");
  const spent = await rig.store.spending(OWNER, failed.createdAt);
  for (let n = 0; n < 2; n++) {
    await again(rig, failed);
    expect(await rig.reached(failed, "failed")).toMatchObject({
      ...{ charge: "spent", warnings: failed.warnings },
      error: { code: "media_expired" },
    });
  }
  expect(await rig.store.spending(OWNER, failed.createdAt)).toEqual(spent);
  expect(gateway.posts).toHaveLength(1);
});
