import { createHash, randomUUID } from "node:crypto";
import { basename } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";
import { fetchFile } from "../../src/media/fetch-file.ts";
import { readMedium } from "../../src/media/media-store.ts";
import { PartialFile } from "../../src/media/partial-file.ts";
import { noise } from "../support/pictures.ts";
import { type Answer, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { keysIn, testBucket, testClient } from "./test-bucket.ts";

/* Files that go to a real server of buckets while they come from their provider. */

const NAMING = {
  ...{ owner: OWNER, operation: "z_image_turbo_generate", words: "A red fox", index: 1 },
  ...{ jobId: "job_abcdefghijklmnopqrstuvwxyz", createdAt: Date.parse("2026-11-20T12:00:00Z") },
};

let folder: string;
let place: ReturnType<typeof testBucket>;
beforeEach(async () => {
  folder = await tempDir();
  place = testBucket(`${basename(folder)}-${randomUUID()}`);
});

function open(secretAccessKey = place.keys.secretAccessKey): BucketStore {
  const client = testClient({ ...place, keys: { ...place.keys, secretAccessKey } });
  return new BucketStore({
    ...{ client, clock: systemClock, draftsDir: folder, homeOwner: OWNER, hasLinks: true },
  });
}

async function fetchFrom(answer: Answer, media: BucketStore) {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  const { origin } = await rawServer(answer);
  const partial = new PartialFile(origin, media.newDraft(NAMING));
  const options = { media, http, clock: systemClock, trustedOrigins: [origin], reached: () => {} };
  return fetchFile(partial, { naming: NAMING, weights: false, isFirstTry: true }, options);
}

const served =
  (bytes: Buffer): Answer =>
  (_hit, response) =>
    response.writeHead(200, { "content-length": String(bytes.length) }).end(bytes);

test("are there whole, also for whoever is thawed late and sends them again", async () => {
  const bytes = await noise("png", { width: 1200, height: 1000 });
  const media = open();
  const all = await Promise.all(
    [media, open(), open()].map((one) => fetchFrom(served(bytes), one)),
  );
  const [got] = all;
  expect(await keysIn(place)).toEqual([got?.ref]);
  expect(new Set(all.map(({ ref }) => ref)).size).toBe(1);
  expect((await readMedium(media, OWNER, got?.ref ?? "")).equals(bytes)).toBe(true);
  expect(got).toMatchObject({
    facts: { width: 1200, height: 1000 },
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
});

test("are not there at all where they broke off", async () => {
  const bytes = await noise("png", { width: 1200, height: 1000 });
  const broken: Answer = (_hit, response) => {
    response.writeHead(200, { "content-length": String(bytes.length) });
    response.write(bytes.subarray(0, -1), () => response.destroy());
  };
  await expect(fetchFrom(broken, open())).rejects.toMatchObject({ kind: "transient" });
  expect(await keysIn(place)).toEqual([]);
});

test("are refused for keys that are wrong, at once", async () => {
  const bytes = await noise("png", { width: 1200, height: 1000 });
  await expect(fetchFrom(served(bytes), open("another"))).rejects.toMatchObject({
    code: "configuration",
  });
  expect(await keysIn(place)).toEqual([]);
});
