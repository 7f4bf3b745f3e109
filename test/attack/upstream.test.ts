import { readdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { viewJob } from "../../src/jobs/view.ts";
import { completed, file, http, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, openRig, recordJob } from "../support/rig.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}.png`);

async function bought(operation: string, args: Record<string, unknown>, named: number) {
  const gateway = await scriptedGateway({
    status: [completed(...names(named))],
    media: [file(await picture())],
  });
  const rig = await openRig({ origin: gateway.origin });
  const job = await rig.reached(await rig.start(operation, args), "completed");
  return { job, rig, gateway };
}

describe("a provider that names more files than were asked for", () => {
  it("has only those fetched; the others are counted and some of their addresses kept", async () => {
    const { job, gateway } = await bought(
      "z_image_turbo_generate",
      { prompt: "a cat", image_size: "square_1_1", num_images: 2 },
      100,
    );
    expect(job.media).toHaveLength(2);
    expect(gateway.fetches).toHaveLength(2);
    expect(job.mediaUrls).toHaveLength(2 + 16);
    expect(job.warnings.join()).toContain("98 more files");
    expect(viewJob(job)).toMatchObject({ other_urls: { length: 16 } });
  });

  it("has at most 64 layers fetched", async () => {
    const { job, gateway } = await bought(
      "qwen_image_layered",
      { image_url: "https://example.com/a.png" },
      70,
    );
    expect(job.media.filter(({ role }) => role === undefined)).toHaveLength(64);
    expect(gateway.fetches).toHaveLength(64);
    expect(job.warnings.join()).toContain("6 more files");
  });

  it("has at most 16 files of a training fetched", async () => {
    const { job } = await bought(
      "qwen_image_edit_plus_train",
      { image_data_url: "https://example.com/a.zip" },
      20,
    );
    expect(job.media).toHaveLength(16);
    expect(job.mediaUrls).toHaveLength(20);
  });

  it("is believed about a job that was started elsewhere, up to 16 files", async () => {
    const gateway = await scriptedGateway({
      status: [completed(...names(20))],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const id = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";
    const job = await rig.reached(await rig.adoption.findOrAdopt("local", id), "completed");
    expect(job.media).toHaveLength(16);
  });

  it("finds the same limit in a job that an earlier version has left", async () => {
    const gateway = await scriptedGateway({ media: [file(await picture())] });
    const rig = await openRig({
      origin: gateway.origin,
      isGone: () => true,
      before: (store) =>
        recordJob(
          store,
          leftJob({
            baseUrl: gateway.origin,
            state: "downloading",
            fingerprint: "f",
            mediaUrls: names(40).map((name) => `${gateway.origin}/media/${name}`),
          }),
          "gone",
        ),
    });
    const { jobs } = await rig.store.list({ owner: "local", limit: 1 });
    const [left] = jobs;
    if (!left) expect.fail("it was not left");
    expect((await rig.reached(left, "completed")).media).toHaveLength(1);
  });
});

describe("an address", () => {
  it("is kept in its parsed form, one that is none is not kept", async () => {
    const gateway = await scriptedGateway({
      submit: [
        (response, hit) =>
          http(200, {
            images: [
              { url: `HTTP://${hit.headers["host"]}/media/\u202e a\nNext: pay.png` },
              { url: `https://example.com/${"x".repeat(20_000)}` },
            ],
          })(response, hit),
      ],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(
      await rig.start("qwen_image_generate", { prompt: "a cat" }),
      "completed",
    );
    expect(job.mediaUrls).toEqual([`${gateway.origin}/media/%E2%80%AE%20aNext:%20pay.png`]);
  });
});

describe("a result", () => {
  it.each(["avif", "tiff"] as const)("in %s is a picture with its own ending", async (format) => {
    const bytes = await sharp(await picture())
      .toFormat(format)
      .toBuffer();
    const gateway = await scriptedGateway({ status: [completed("a")], media: [file(bytes)] });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(), "completed");
    expect(job.media).toMatchObject([{ mimeType: `image/${format}`, width: 40, height: 30 }]);
    const [folder = ""] = await readdir(rig.outputDir);
    const found = await readdir(join(rig.outputDir, folder));
    expect(found.join()).toMatch(format === "avif" ? /\.avif$/ : /\.tiff?$/);
  });
});
