import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";
import { FakeBucket } from "../support/fake-bucket.ts";
import { filesIn } from "../support/files-in.ts";
import {
  completed,
  file,
  http,
  type Reply,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { noise, picture } from "../support/pictures.ts";
import { CAT, OWNER, openRig } from "../support/rig.ts";

describe("files that do not come at once", () => {
  it.each<[string, Reply]>([
    ["a broken server", http(500)],
    ["too many requests", http(429)],
    ["a file that is not there yet", http(404)],
    ["a page in its place", file("<!doctype html><title>Soon</title>", "text/html")],
    ["an empty file", file("")],
    [
      "a transfer that breaks off",
      (response) => {
        response.writeHead(200, { "content-length": "5000" });
        response.write("x".repeat(100), () => response.socket?.destroy());
      },
    ],
  ])("are tried again after %s", async (_what, fault) => {
    const bytes = await picture();
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [fault, fault, file(bytes)],
    });
    // Slow enough for the minute that a missing file is given, on a machine with much else to do.
    const rig = await openRig({ origin: gateway.origin, timeScale: 1 / 50 });
    const job = await rig.reached(await rig.start(), "completed");
    expect(await filesIn(rig.outputDir)).toEqual([job.media[0]?.path]);
    expect(await readFile(job.media[0]?.path ?? "")).toEqual(bytes);
    expect(gateway.fetches).toHaveLength(3);
    expect(gateway.posts).toHaveLength(1);
  });

  it("are waited for while the output folder cannot be written", async () => {
    let tellEnd = () => {};
    const ended = new Promise<void>((resolve) => {
      tellEnd = resolve;
    });
    const gateway = await scriptedGateway({
      status: [(response, hit) => ended.then(() => completed("a")(response, hit))],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(), "running");
    // As if the disk under it went away.
    await rm(rig.outputDir, { recursive: true });
    await writeFile(rig.outputDir, "");
    tellEnd();
    await rig.reached(job, "downloading");
    await rig.quiet();
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      expect((await rig.get(job)).state).toBe("downloading");
    }
    await rm(rig.outputDir);
    expect((await rig.reached(job, "completed")).media).toHaveLength(1);
    expect(gateway.posts).toHaveLength(1);
  });
});

describe("files that cannot be had", () => {
  it.each<[string, Reply, string]>([
    ["are gone", http(410), "media_expired"],
    ["are forbidden", http(403), "media_expired"],
    ["are pages", file("<html><body>Sorry</body></html>", "text/html"), "bad_upstream_reply"],
    ["are SVG", file('<?xml version="1.0"?><svg onload="alert(1)"/>'), "bad_upstream_reply"],
  ])(
    "because they %s end the job as failed, charged, with their addresses",
    async (_what, reply, code) => {
      const gateway = await scriptedGateway({ status: [completed("a")], media: [reply] });
      const rig = await openRig({ origin: gateway.origin });
      const job = await rig.reached(await rig.start(), "failed");
      expect(job).toMatchObject({
        charge: "spent",
        error: { code },
        mediaUrls: [`${gateway.origin}/media/a`],
        media: [],
      });
      expect(await filesIn(rig.outputDir)).toEqual([]);
    },
  );

  it.each([
    "http://10.0.0.1/a.png",
    "https://127.0.0.1/a.png",
    "https://[::ffff:127.0.0.1]/a.png",
    "http://example.com/a.png",
    "https://169.254.169.254/latest/meta-data",
  ])("because of their address, %s, end it at once", async (url) => {
    const gateway = await scriptedGateway({
      status: [says("COMPLETED", { output: { media_url: [url] } })],
    });
    const rig = await openRig({ origin: gateway.origin, timeScale: 1 / 2_000 });
    const job = await rig.reached(await rig.start(), "failed");
    expect(job).toMatchObject({
      charge: "spent",
      error: { code: "bad_upstream_reply" },
      mediaUrls: [new URL(url).href],
    });
  });

  it("do not take those with them that came", async () => {
    const bytes = await picture();
    const gateway = await scriptedGateway({
      status: [completed("good", "bad")],
      media: [
        (response, hit) => (hit.path.endsWith("good") ? file(bytes) : http(410))(response, hit),
      ],
    });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(undefined, { ...CAT, num_images: 2 }), "failed");
    expect(job.media).toHaveLength(1);
    expect(await readFile(job.media[0]?.path ?? "")).toEqual(bytes);
    expect(job.mediaUrls).toHaveLength(2);
  });

  it("redirected to another host are not fetched there", async () => {
    const elsewhere = await scriptedGateway({ media: [file(await picture())] });
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [http(302, "", { location: `${elsewhere.origin}/media/a` })],
    });
    const rig = await openRig({ origin: gateway.origin });
    await rig.reached(await rig.start(), "failed");
    expect(elsewhere.connections).toBe(0);
  });
});

describe("files that are kept in a bucket", () => {
  async function openBucketRig(origin: string, bucket: FakeBucket) {
    const openMedia = (folder: string) =>
      new BucketStore({
        ...{ client: bucket.client(), clock: systemClock, homeOwner: OWNER, hasLinks: true },
        draftsDir: join(folder, "drafts"),
      });
    return openRig({ origin, openMedia });
  }
  const puts = (bucket: FakeBucket) => bucket.hits.filter(({ method }) => method === "PUT");

  it("are there in the end, whole, though the provider broke off, and never in part", async () => {
    const [bytes, bucket] = [await noise("png"), await FakeBucket.open()];
    const half: Reply = (response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 500_000), () =>
        expect
          .poll(() => puts(bucket).length)
          .toBe(1)
          .then(() => response.destroy()),
      );
    };
    const gateway = await scriptedGateway({ status: [completed("a")], media: [half, file(bytes)] });
    const rig = await openBucketRig(gateway.origin, bucket);
    const job = await rig.reached(await rig.start(), "completed");
    expect([...bucket.files.keys()]).toEqual([job.media[0]?.path]);
    expect(bucket.files.get(job.media[0]?.path ?? "")?.bytes.equals(bytes)).toBe(true);
    expect(job.media).toMatchObject([{ width: 700, height: 500, sizeBytes: bytes.length }]);
    expect(puts(bucket)).toHaveLength(2);
    expect([gateway.fetches.length, gateway.posts.length]).toEqual([2, 1]);
  });

  it("wait for a bucket that fails, and say so", async () => {
    const [bytes, bucket] = [await noise("png"), await FakeBucket.open()];
    let isFailing = true;
    bucket.fault = ({ method }) =>
      isFailing && method === "PUT" ? { status: 503, code: "SlowDown" } : undefined;
    const gateway = await scriptedGateway({ status: [completed("a")], media: [file(bytes)] });
    const rig = await openBucketRig(gateway.origin, bucket);
    const started = await rig.start();
    await expect
      .poll(() => rig.events.heldUpBy(started.jobId))
      .toBe("The bucket for files cannot be used: it answered 503 SlowDown.");
    isFailing = false;
    const job = await rig.reached(started, "completed");
    expect([...bucket.files.keys()]).toEqual([job.media[0]?.path]);
    expect(gateway.posts).toHaveLength(1);
  });

  it("end their job at once where the bucket refuses the keys", async () => {
    const bucket = await FakeBucket.open();
    bucket.fault = ({ method }) =>
      method === "PUT" ? { status: 403, code: "SignatureDoesNotMatch" } : undefined;
    const media = [file(await noise("png"))];
    const gateway = await scriptedGateway({ status: [completed("a")], media });
    const rig = await openBucketRig(gateway.origin, bucket);
    const job = await rig.reached(await rig.start(), "failed");
    expect(job).toMatchObject({ charge: "spent", error: { code: "configuration" } });
    expect([puts(bucket).length, gateway.fetches.length]).toEqual([1, 1]);
  });
});
