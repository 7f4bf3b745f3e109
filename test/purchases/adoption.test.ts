import { beforeEach, describe, expect, it } from "vitest";
import {
  completed,
  file,
  http,
  REQUEST_ID,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, OWNER, openRig, type Rig, recordJob } from "../support/rig.ts";

const OTHER = "qwen-image-layered_019dabcd-0000-7000-8000-000000000001";

describe("a request made elsewhere", () => {
  it("is adopted by its id, followed to its files, and not counted as our money", async () => {
    const gateway = await scriptedGateway({
      status: [says("PROCESSING"), completed("a.png", "b.png")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.adoption.findOrAdopt(OWNER, OTHER);
    expect(job).toMatchObject({
      operation: "qwen_image_layered",
      state: "running",
      charge: "none",
    });
    const done = await rig.reached(job, "completed");
    expect(done).toMatchObject({ charge: "none", costUsd: null, requestId: OTHER });
    expect(done.media.filter((medium) => medium.role === undefined)).toHaveLength(2);
    expect(gateway.posts).toEqual([]);
  });

  it("is adopted once", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    const first = await rig.adoption.findOrAdopt(OWNER, OTHER);
    expect((await rig.adoption.findOrAdopt(OWNER, OTHER)).jobId).toBe(first.jobId);
    const own = await rig.reached(await rig.start(), "running");
    expect((await rig.adoption.findOrAdopt(OWNER, REQUEST_ID)).jobId).toBe(own.jobId);
  });

  it("that failed there costs us nothing", async () => {
    const gateway = await scriptedGateway({ status: [says("FAILED", { error: "CUDA" })] });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.adoption.findOrAdopt(OWNER, OTHER);
    expect(await rig.reached(job, "failed")).toMatchObject({ charge: "none" });
  });

  it("of which the gateway knows nothing leaves no job behind", async () => {
    const gateway = await scriptedGateway({ status: [http(404)] });
    const rig = await openRig({ origin: gateway.origin });
    await expect(rig.adoption.findOrAdopt(OWNER, OTHER)).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await rig.runner.list({ owner: OWNER, limit: 10 })).jobs).toEqual([]);
  });

  it.each([
    "XXXXXXXXXXXXX",
    "3daccb10-10ca-9399-8b6a-xxxxxx",
    "unknown-model_019d",
    "../admin",
    "",
  ])("with the id %j is not asked for", async (id) => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    await expect(rig.adoption.findOrAdopt(OWNER, id)).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect(gateway.connections).toBe(0);
  });
});

describe("a request of this program's own", () => {
  const STRANGER = "ada";

  async function rigOf(status = says("ERROR")): Promise<Rig> {
    const gateway = await scriptedGateway({ status: [status] });
    return openRig({ origin: gateway.origin });
  }

  /** A job whose request came to nothing. */
  async function ended(rig: Rig) {
    return rig.reached(await rig.start(), "errored");
  }

  it("leads to its job, whatever has become of that", async () => {
    const rig = await rigOf();
    const job = await ended(rig);
    for (const found of [
      await rig.adoption.find(OWNER, REQUEST_ID),
      await rig.adoption.findOrAdopt(OWNER, REQUEST_ID),
      await rig.adoption.attach(OWNER, job.jobId, REQUEST_ID),
    ]) {
      expect(found).toMatchObject({ jobId: job.jobId, state: "errored" });
    }
  });

  it("does not come back once its job was deleted, and says how to have another", async () => {
    const rig = await rigOf();
    const { jobId } = await ended(rig);
    await rig.runner.delete(OWNER, jobId, false);
    await expect(rig.adoption.findOrAdopt(OWNER, REQUEST_ID)).rejects.toMatchObject({
      code: "not_found",
      message: `The job of the request \`${REQUEST_ID}\` was deleted.`,
      next: expect.stringContaining("force_new: true"),
    });
    expect((await rig.runner.list({ owner: OWNER, limit: 10 })).jobs).toEqual([]);
  });

  it("is told to nobody else, neither while it is there nor once it was deleted", async () => {
    const rig = await rigOf();
    const { jobId } = await ended(rig);
    const unknown = { code: "not_found", message: `There is no request \`${REQUEST_ID}\`.` };
    const mine = leftJob({
      ...{ owner: STRANGER, baseUrl: rig.context.baseUrl },
      ...{ state: "unknown", charge: "uncertain" },
    });
    await recordJob(rig.store, mine, "somebody");
    const asked = () => [
      rig.adoption.findOrAdopt(STRANGER, REQUEST_ID),
      rig.adoption.legacyStatus(STRANGER, REQUEST_ID),
      rig.adoption.attach(STRANGER, mine.jobId, REQUEST_ID),
    ];
    for (const one of asked()) await expect(one).rejects.toMatchObject(unknown);
    await expect(rig.adoption.find(STRANGER, REQUEST_ID)).rejects.toThrow(
      "There is no job of yours",
    );
    await rig.runner.delete(OWNER, jobId, true);
    for (const one of asked()) await expect(one).rejects.toMatchObject(unknown);
    expect((await rig.runner.get(STRANGER, mine.jobId)).state).toBe("unknown");
  });
});

describe("a request id for a job in doubt", () => {
  let rig: Rig;
  const jobId = async (change = {}) => {
    const doubt = { state: "unknown", charge: "uncertain", error: null } as const;
    const job = leftJob({ baseUrl: rig.context.baseUrl, ...doubt, ...change });
    await recordJob(rig.store, job, "somebody");
    return job.jobId;
  };

  beforeEach(async () => {
    const gateway = await scriptedGateway({ status: [says("PROCESSING")] });
    rig = await openRig({ origin: gateway.origin });
  });

  it("sets it going again", async () => {
    const attached = await rig.adoption.attach(OWNER, await jobId(), REQUEST_ID);
    expect(attached).toMatchObject({ state: "running", charge: "reserved", requestId: REQUEST_ID });
  });

  it.each([
    ["another operation's", OTHER, {}, "is not one of longcat_image_generate"],
    ["for a job in no doubt", REQUEST_ID, { state: "failed", charge: "none" }, "is failed: only"],
  ] as const)("is refused: %s", async (_, requestId, change, why) => {
    const attached = rig.adoption.attach(OWNER, await jobId(change), requestId);
    await expect(attached).rejects.toMatchObject({ code: "invalid_input" });
    await expect(attached).rejects.toThrow(why);
  });

  it("is refused that has a job already", async () => {
    const first = await rig.reached(await rig.start(), "running");
    await expect(rig.adoption.attach(OWNER, await jobId(), REQUEST_ID)).rejects.toThrow(
      `belongs to ${first.jobId}`,
    );
  });
});
