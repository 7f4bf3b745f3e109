import { describe, expect, it } from "vitest";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { filesIn } from "../support/files-in.ts";
import {
  accepted,
  completed,
  file,
  http,
  REQUEST_ID,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { OWNER, openRig, until } from "../support/rig.ts";

const SECOND = 1_000;

describe("several processes on one data folder", () => {
  it("follow each job once, and take over from one that ended orderly", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ status: [says("PROCESSING")] });
    const first = await openRig({ origin: gateway.origin, clock, timeScale: 1, holder: "first" });
    const job = await first.reached(await first.start(), "running");
    const second = await openRig({
      origin: gateway.origin,
      clock,
      timeScale: 1,
      holder: "second",
      folder: first.folder,
    });
    await clock.advance(0);
    await second.quiet();
    expect(gateway.looks).toEqual([]);
    for (let i = 0; i < 12; i++) {
      await clock.advance(5 * SECOND);
      await first.quiet();
    }
    expect(gateway.looks.length).toBeGreaterThan(4);
    expect(gateway.looks.length).toBeLessThan(13);
    expect((await second.get(job)).orphaned).toBe(false);

    const looks = gateway.looks.length;
    await first.close();
    await clock.advance(11 * SECOND);
    await second.quiet();
    expect(gateway.looks.length).toBeGreaterThan(looks);
    expect((await second.get(job)).orphaned).toBe(true);
    expect(gateway.posts).toHaveLength(1);
  });

  it("see each other's jobs and ends", async () => {
    const gateway = await scriptedGateway({ status: [says("ERROR", { error: "GPU" })] });
    const first = await openRig({ origin: gateway.origin, holder: "first" });
    const second = await openRig({
      origin: gateway.origin,
      holder: "second",
      folder: first.folder,
    });
    const job = await first.start();
    expect(await second.reached(job, "errored")).toMatchObject({ charge: "none" });
    expect(await second.runner.cancel(OWNER, job.jobId)).toMatchObject({ came: "too_late" });
  });
});

describe("who listens in one process", () => {
  it("hears of a job that another one has moved on, once", async () => {
    const gateway = await scriptedGateway({
      status: [says("PROCESSING"), completed("a")],
      media: [file(await picture())],
    });
    const clock = new FakeClock();
    const second = await openRig({ origin: gateway.origin, holder: "second", clock });
    const heard: string[] = [];
    second.events.subscribeToAll((job) => heard.push(`${job.jobId} ${job.state}`));
    // The other one's time passes by itself.
    const first = await openRig({ origin: gateway.origin, holder: "first", folder: second.folder });
    const job = await first.reached(await first.start(), "completed");
    expect(heard).toEqual([]);
    await clock.advance(SECOND / 2);
    expect(heard).toEqual([`${job.jobId} completed`]);
    await clock.advance(5 * SECOND);
    expect(heard).toHaveLength(1);
  });
});

describe("an orderly end", () => {
  it("lets a POST in flight finish, and records its outcome", async () => {
    let answer = () => {};
    const gateway = await scriptedGateway({
      submit: [
        (response, hit) => {
          answer = () => accepted(response, hit);
        },
      ],
    });
    const clock = new FakeClock();
    const rig = await openRig({ origin: gateway.origin, clock });
    const job = await rig.start();
    await until(() => gateway.posts.length === 1);
    const closing = rig.close();
    await settle();
    answer();
    await closing;
    const later = await openRig({ origin: gateway.origin, clock, folder: rig.folder });
    expect(await later.get(job)).toMatchObject({ state: "running", requestId: REQUEST_ID });
    expect(gateway.posts).toHaveLength(1);
  });

  it("does not wait for ever; the job is unknown then", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({ submit: [() => undefined] });
    const rig = await openRig({ origin: gateway.origin, clock });
    const job = await rig.start();
    await until(() => gateway.posts.length === 1);
    let closed = false;
    const closing = rig.close().then(() => {
      closed = true;
    });
    await clock.advance(9 * SECOND);
    expect(closed).toBe(false);
    await clock.advance(SECOND);
    await closing;
    const later = await openRig({ origin: gateway.origin, clock, folder: rig.folder });
    expect((await later.get(job)).state).toBe("unknown");
    expect(gateway.posts).toHaveLength(1);
  });

  it("leaves a job that waits to be sent for the next start", async () => {
    const clock = new FakeClock();
    const gateway = await scriptedGateway({
      submit: [http(429, "", { "retry-after": "60" }), accepted],
    });
    const rig = await openRig({ origin: gateway.origin, clock });
    const job = await rig.start();
    await until(async () => (await rig.get(job)).error !== null);
    await rig.close();
    expect(clock.pending).toBe(0);
    const later = await openRig({ origin: gateway.origin, clock, folder: rig.folder });
    await later.reached(job, "running");
    expect(gateway.posts).toHaveLength(2);
  });

  it("breaks off a file that is coming, keeps nothing of it, and leaves it for the next start", async () => {
    const bytes = await picture();
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [(response) => void response.writeHead(200).write(bytes.subarray(0, 10)), file(bytes)],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start();
    await until(async () => (await filesIn(rig.outputDir)).length === 1);
    await rig.close();
    expect(await filesIn(rig.outputDir)).toEqual([]);
    const later = await openRig({ origin: gateway.origin, folder: rig.folder });
    const { state, media } = await later.reached(job, "completed");
    expect({ state, files: media.length }).toEqual({ state: "completed", files: 1 });
    expect(gateway.posts).toHaveLength(1);
  });
});
