import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { filesIn } from "../support/files-in.ts";
import { completed, file, says, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { json } from "../support/raw-server.ts";
import { CAT, OWNER, openRig } from "../support/rig.ts";

describe("a completed job", () => {
  it("has its files on disk, described by what is in them", async () => {
    const bytes = await picture("png", { width: 64, height: 48 });
    const gateway = await scriptedGateway({
      status: [completed("output.ext")],
      media: [file(bytes, "text/plain")],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(), "completed");
    expect(job).toMatchObject({ charge: "spent", costUsd: 0.13, error: null, warnings: [] });
    expect(job.completedAt).not.toBeNull();
    const path = job.media[0]?.path ?? "";
    expect(job.media).toEqual([
      {
        index: 1,
        url: `${gateway.origin}/media/output.ext`,
        path,
        mimeType: "image/png",
        width: 64,
        height: 48,
        sizeBytes: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
        copies: [],
      },
    ]);
    expect(await readFile(path)).toEqual(bytes);
    const day = new Date(job.createdAt).toISOString().slice(0, 10);
    const short = job.jobId.slice(-6);
    expect(path).toBe(join(rig.outputDir, day, `longcat-image-generate-a-cat-${short}-1.png`));
    expect(await filesIn(rig.outputDir)).toEqual([path]);
  });

  it("sends the key for no file", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a.png")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    await rig.reached(await rig.start(), "completed");
    expect(gateway.fetches).toHaveLength(1);
    expect(gateway.fetches[0]?.headers).not.toHaveProperty("ocp-apim-subscription-key");
  });

  it("keeps several files in the provider's order, priced by what was asked for", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a", "b", "c")],
      media: [file(await picture("png")), file(await picture("jpeg")), file(await picture("webp"))],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(
      await rig.start(undefined, { ...CAT, num_images: 3 }),
      "completed",
    );
    expect(job.media.map((one) => one.index)).toEqual([1, 2, 3]);
    expect(job.media.map((one) => one.url.slice(-1))).toEqual(["a", "b", "c"]);
    expect(job.costUsd).toBeCloseTo(0.39);
    expect(job.warnings).toEqual([]);
  });

  it("says so when fewer pictures came than were asked for", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(
      await rig.start(undefined, { ...CAT, num_images: 4 }),
      "completed",
    );
    expect(job.warnings).toEqual(["1 of the 4 pictures asked for came."]);
  });

  it("has an unknown cost where no price is printed, not a cost of nothing", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start("z_image_turbo_generate", {
      prompt: "A",
      image_size: "square_1_1",
    });
    expect(await rig.reached(job, "completed")).toMatchObject({ charge: "spent", costUsd: null });
  });

  it("keeps weights as a file of their own kind", async () => {
    const gateway = await scriptedGateway({
      status: [completed("lora.safetensors")],
      media: [file(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('{"a":1} ')]))],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start("qwen_image_edit_plus_train", {
      image_data_url: "https://example.com/a.zip",
      default_caption: "Cinematic light",
    });
    const done = await rig.reached(job, "completed");
    expect(done.media[0]?.path).toMatch(
      /qwen-image-edit-plus-train-cinematic-light-\w{6}-1\.safetensors$/,
    );
    expect(done.media[0]).not.toHaveProperty("width");
  });

  it("is copied to where the caller wanted it, and kept in the library all the same", async () => {
    const bytes = await picture();
    const gateway = await scriptedGateway({ status: [completed("a")], media: [file(bytes)] });
    const rig = await openRig({ origin: gateway.origin });
    const target = join(rig.folder, "allowed", "new", "cat.png");
    await mkdir(join(rig.folder, "allowed"));
    const job = await rig.reached(await rig.start(undefined, CAT, target), "completed");
    expect(job.media[0]?.copies).toEqual([target]);
    expect(await readFile(target)).toEqual(bytes);
    expect(await readFile(job.media[0]?.path ?? "")).toEqual(bytes);
  });

  it("is completed although the copy cannot be made any more", async () => {
    const gateway = await scriptedGateway({
      status: [says("PROCESSING"), completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const target = join(rig.folder, "allowed", "cats");
    await mkdir(target, { recursive: true });
    const job = await rig.start(undefined, CAT, target);
    await rm(target, { recursive: true });
    await writeFile(target, "in the way");
    const done = await rig.reached(job, "completed");
    expect(done.media[0]?.copies).toEqual([]);
    expect(done.warnings).toEqual([expect.stringContaining("`save_to` was not done")]);
    expect(await readFile(target, "utf8")).toBe("in the way");
  });
});

describe("a database that is busy for a moment", () => {
  it("does not make a finished file a failed job", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const busy = new AppError("storage", "The job database is locked.");
    const started = await rig.reached(await rig.start(), "running");
    const transition = vi.spyOn(rig.store, "transition");
    for (let i = 0; i < 3; i++) transition.mockRejectedValueOnce(busy);
    const job = await rig.reached(started, "completed");
    expect(transition.mock.calls.length).toBeGreaterThan(3);
    expect(job.media).toHaveLength(1);
    expect(gateway.posts).toHaveLength(1);
  });
});

describe("against the imitated provider", () => {
  it.each(OPERATIONS.map((one) => one.name))("%s from its example to its files", async (name) => {
    const sandbox = await startSandbox({ speed: 2_000 });
    onTestFinished(() => sandbox.close());
    const rig = await openRig({ origin: sandbox.origin });
    const example = OPERATIONS.find((one) => one.name === name)?.example ?? {};
    const job = await rig.start(name, example);
    const done = await rig.reached(job, "completed");
    expect(done.media.length).toBeGreaterThan(0);
    expect((await filesIn(rig.outputDir)).sort()).toEqual(done.media.map((one) => one.path).sort());
    for (const medium of done.media) {
      const bytes = await readFile(medium.path);
      expect(bytes).toHaveLength(medium.sizeBytes);
      expect(dirname(dirname(medium.path))).toBe(rig.outputDir);
      if (name === "qwen_image_edit_plus_train")
        expect(medium.path).toMatch(/\.(safetensors|json)$/);
      else if (medium.role !== "manifest") expect(medium.width).toBeGreaterThan(0);
    }
    expect(sandbox.requests().filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("several jobs at once, each bought once", async () => {
    const sandbox = await startSandbox({ speed: 2_000 });
    onTestFinished(() => sandbox.close());
    const rig = await openRig({ origin: sandbox.origin });
    const args = { prompt: "A cat", image_size: "square_1_1" };
    const jobs = await Promise.all(
      Array.from({ length: 6 }, () => rig.start("z_image_turbo_generate", args)),
    );
    const done = await Promise.all(jobs.map((job) => rig.reached(job, "completed")));
    expect(new Set(done.flatMap((job) => job.media.map(({ path }) => path))).size).toBe(6);
    expect(sandbox.requests().filter(({ method }) => method === "POST")).toHaveLength(6);
  });

  it("a job that loses its answers and finds them again", async () => {
    const sandbox = await startSandbox({ speed: 2_000 });
    onTestFinished(() => sandbox.close());
    const match = { path: "/v2/requests/status/" };
    sandbox.faults.add({ kind: "status", status: 503, times: 2, match });
    sandbox.faults.add({ kind: "reset-before", match });
    sandbox.faults.add({ kind: "not-json", match });
    sandbox.faults.add({ kind: "media-truncate" });
    sandbox.faults.add({ kind: "media-status", status: 502 });
    const rig = await openRig({ origin: sandbox.origin });
    const done = await rig.reached(await rig.start(), "completed");
    expect(done.media).toHaveLength(1);
    expect(sandbox.requests().filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});

describe("a request id that the gateway writes in its own way", () => {
  it("is what the job is asked by", async () => {
    const id = "longcat-image-498_019D.weird:ID-7";
    const gateway = await scriptedGateway({
      submit: [(response) => json(response, 202, { request_id: id, status: "queued" })],
      status: [completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    await rig.reached(await rig.start(), "completed");
    expect(gateway.looks[0]?.path).toBe(`/v2/requests/status/${encodeURIComponent(id)}`);
    expect((await rig.adoption.findOrAdopt(OWNER, id)).state).toBe("completed");
  });
});
