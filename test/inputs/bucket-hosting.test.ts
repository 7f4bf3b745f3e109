import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { BucketHosting, type BucketHostingOptions } from "../../src/inputs/bucket-hosting.ts";
import { HostingRehearsal } from "../../src/inputs/hosting-rehearsal.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { FolderLock } from "../../src/storage/sqlite/folder-lock.ts";
import { SqliteHostingRecord } from "../../src/storage/sqlite/hosted-record.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { FakeBucket } from "../support/fake-bucket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { silentLog } from "../support/tool-deps.ts";

const REFUSAL = new AppError("invalid_input", "There is no address at all.");

let bucket: FakeBucket;
let clock: FakeClock;
let data: string;
let hosting: BucketHosting;

beforeEach(async () => {
  [bucket, data] = [await FakeBucket.open(), await tempDir()];
  clock = new FakeClock();
  bucket.now = new Date(clock.now());
  hosting = open();
});

/** As a process that shares the record has it. */
function open(change: Partial<BucketHostingOptions> = {}): BucketHosting {
  const connection = new Connection(data);
  const own = { clock, holder: "this-process", isGone: () => false };
  const opened = new BucketHosting({
    client: bucket.client(clock),
    record: new SqliteHostingRecord(
      connection,
      new FolderLock(join(data, "hosted.lock"), clock),
      own,
    ),
    ...{ clock, log: silentLog, isProviderHere: true, maxBytes: 1024 * 1024 },
    ...change,
  });
  onTestFinished(async () => {
    await opened.close();
    connection.close();
  });
  return opened;
}

/** Files that a job needs and that are about to be sent. */
async function promised(jobId: string, words: string[], owner = OWNER) {
  const staged = await Promise.all(
    words.map((word) => hosting.stage(owner, Buffer.from(word), "png")),
  );
  await hosting.reserve(owner, jobId, staged);
  return { staged, wire: { image_urls: staged.map(({ url }) => url) } };
}

const keys = () => [...bucket.files.keys()];

describe("a file for the provider", () => {
  it("lies in the bucket under a name of its own, and its address works for a day", async () => {
    const { staged, wire } = await promised("job_a", ["one"]);
    const [file] = staged;
    const url = new URL(file?.url ?? "");
    expect(url.pathname).toMatch(/^\/files\/pre\/hosted\/[a-z2-7]{26}\.png$/);
    expect(url.searchParams.get("X-Amz-Expires")).toBe("86400");
    expect(url.searchParams.get("response-content-type")).toBe("image/png");
    await hosting.publish(OWNER, "job_a", wire);
    const reply = await fetch(url);
    expect(await reply.text()).toBe("one");
    expect(reply.headers.get("content-type")).toBe("image/png");
  });

  it("lies in a folder of its own in a bucket that is all ours, and is found there again", async () => {
    hosting = open({ client: bucket.client(clock, "") });
    const { staged, wire } = await promised("job_a", ["one"]);
    expect(keys()).toEqual([`hosted/${staged[0]?.name}`]);
    await hosting.publish(OWNER, "job_a", wire);
    bucket.files.set("hosted.txt", { bytes: Buffer.from(""), type: "", modifiedAt: bucket.now });
    await hosting.stage(OWNER, Buffer.from("left"), "png");
    clock.jump(DAY_MS + 1000);
    await hosting.sweep();
    expect(keys()).toEqual(["hosted.txt"]);
  });

  it("is what it was measured to be", async () => {
    const content = Readable.from([Buffer.from("ab"), Buffer.from("c")]);
    const staged = await hosting.stage(OWNER, content, "zip");
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(staged).toMatchObject({ sha256, sizeBytes: 3 });
    const measured = await hosting.measure(OWNER, Buffer.from("abc"), "zip");
    expect(measured).toMatchObject({ sha256, sizeBytes: 3, path: "" });
    expect(keys()).toHaveLength(1);
    expect(bucket.files.get(keys()[0] ?? "")?.type).toBe("application/zip");
  });

  it("goes with its job, and no other job's", async () => {
    await promised("job_a", ["same", "more"]);
    const other = await promised("job_b", ["same"]);
    expect(keys()).toHaveLength(3);
    await hosting.release("ada", "job_a");
    expect(keys()).toHaveLength(3);
    await hosting.release(OWNER, "job_a");
    expect(keys()).toEqual([`pre/hosted/${other.staged[0]?.name}`]);
    await hosting.release(OWNER, "job_b");
    expect(keys()).toEqual([]);
  });

  it("goes where no job came to be of it, and stays where one did", async () => {
    const { staged } = await promised("job_a", ["kept"]);
    const lost = await hosting.stage(OWNER, Buffer.from("lost"), "png");
    await hosting.discard([lost, ...staged]);
    expect(keys()).toEqual([`pre/hosted/${staged[0]?.name}`]);
  });

  it("that breaks off leaves nothing", async () => {
    const broken = Readable.from(
      (function* () {
        yield Buffer.from("half");
        throw new RangeError("lost");
      })(),
    );
    await expect(hosting.stage(OWNER, broken, "zip")).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect(keys()).toEqual([]);
  });

  it("that cannot be written now is not tried for minutes: nothing was sent", async () => {
    bucket.fault = () => ({ status: 503 });
    const staged = hosting.stage(OWNER, Buffer.from("x"), "png");
    await expect(staged).rejects.toMatchObject({ code: "storage", next: /nothing was sent/ });
    bucket.fault = () => ({ status: 403, code: "SignatureDoesNotMatch" });
    await expect(hosting.stage(OWNER, Buffer.from("x"), "png")).rejects.toMatchObject({
      code: "configuration",
    });
  });
});

describe("before a job is sent", () => {
  it("all its files must be there, whole", async () => {
    const { staged, wire } = await promised("job_a", ["one", "two"]);
    const key = `pre/hosted/${staged[1]?.name}`;
    const file = bucket.files.get(key);
    bucket.files.delete(key);
    await expect(hosting.publish(OWNER, "job_a", wire)).rejects.toMatchObject({
      code: "not_found",
    });
    if (file) bucket.files.set(key, { ...file, bytes: Buffer.from("other") });
    await expect(hosting.publish(OWNER, "job_a", wire)).rejects.toMatchObject({
      code: "not_found",
    });
    if (file) bucket.files.set(key, file);
    await hosting.publish(OWNER, "job_a", wire);
  });

  it("its addresses must be those of this bucket, and work for an hour more", async () => {
    const { wire } = await promised("job_a", ["one"]);
    const elsewhere = open({ client: bucket.client(clock, "other") });
    await expect(elsewhere.publish(OWNER, "job_a", wire)).rejects.toMatchObject({
      code: "configuration",
    });
    await expect(hosting.publish(OWNER, "job_a", {})).rejects.toMatchObject({
      code: "configuration",
    });
    clock.jump(DAY_MS - HOUR_MS - 60_000);
    await hosting.publish(OWNER, "job_a", wire);
    clock.jump(120_000);
    const late = hosting.publish(OWNER, "job_a", wire);
    await expect(late).rejects.toMatchObject({ code: "configuration", next: /nothing was sent/ });
  });

  it("the bucket must answer", async () => {
    const { wire } = await promised("job_a", ["one"]);
    bucket.fault = () => ({ status: 500 });
    await expect(hosting.publish(OWNER, "job_a", wire)).rejects.toMatchObject({
      code: "storage",
      next: /nothing was sent/,
    });
  });

  it("nothing is asked for a job without files", async () => {
    await hosting.reserve(OWNER, "job_a", []);
    await hosting.publish(OWNER, "job_a", {});
    await hosting.release(OWNER, "job_a");
    expect(bucket.hits).toEqual([]);
  });
});

describe("the provider elsewhere", () => {
  const far = (endpoint: string, isSeen: boolean) => {
    const client = bucket.client(clock);
    Object.defineProperty(client, "address", {
      value: { ...client.address, publicEndpoint: endpoint },
    });
    return open({ client, isProviderHere: false, isSeen: async () => isSeen });
  };

  it("must see the bucket, whatever is wished for instead", async () => {
    const near = far("http://127.0.0.1:9000", false);
    await expect(near.requireAddress()).rejects.toMatchObject({
      code: "configuration",
      message: /http:\/\/127\.0\.0\.1:9000, which only this machine or its network sees/,
      next: /public_endpoint=/,
    });
    await far("https://s3.example.com", true).requireAddress();
    await expect(far("https://s3.internal.example", false).requireAddress()).rejects.toThrow();
    await expect(far("http://s3.example.com", true).requireAddress()).rejects.toThrow(
      "is no https address",
    );
  });

  it("is told of in a rehearsal, which stages nothing", async () => {
    const rehearsal = new HostingRehearsal(far("http://127.0.0.1:9000", false));
    await rehearsal.requireAddress(REFUSAL);
    expect(rehearsal.refusals.map(({ code }) => code)).toEqual(["configuration"]);
    await rehearsal.stage(OWNER, Buffer.from("x"), "png");
    expect(keys()).toEqual([]);
    expect(rehearsal.served).toContain("bucket");
  });

  it("on this machine sees what this machine sees", async () => {
    await hosting.requireAddress();
  });
});

describe("how much may be hosted", () => {
  it("counts what is staged and what jobs need, of one owner and of all", async () => {
    const small = open({ maxBytes: 10, maxOwnBytes: (owner) => (owner === "ada" ? 4 : undefined) });
    await expect(small.stage("ada", Buffer.from("12345"), "png")).rejects.toThrow(
      "more than the 4 bytes that may be hosted for one user",
    );
    const staged = await small.stage(OWNER, Buffer.from("1234567"), "png");
    await small.reserve(OWNER, "job_a", [staged]);
    const more = await small.stage(OWNER, Buffer.from("12345"), "png");
    await expect(small.reserve(OWNER, "job_b", [more])).rejects.toMatchObject({ code: "storage" });
    await expect(small.checkQuota(OWNER, [more])).rejects.toMatchObject({ code: "storage" });
    await small.release(OWNER, "job_a");
    await small.checkQuota(OWNER, [more]);
    await small.reserve(OWNER, "job_b", [more]);
  });
});

describe("what is left over", () => {
  it("is removed after a day, what jobs need and what is new is not", async () => {
    const connection = new Connection(data);
    onTestFinished(() => connection.close());
    const job = leftJob({ baseUrl: "https://gateway.example" });
    await recordJob(new SqliteJobStore(connection), job, "me");
    const { staged } = await promised(job.jobId, ["needed"]);
    await hosting.stage(OWNER, Buffer.from("old"), "png");
    const client = bucket.client(clock);
    await client.begin("pre/hosted/parts.zip", "");
    await client.begin("pre/media/local/parts.png", "");
    clock.jump(DAY_MS + 1000);
    bucket.now = new Date(clock.now());
    const young = await hosting.stage(OWNER, Buffer.from("new"), "png");
    await hosting.sweep();
    const kept = [...staged, young].map(({ name }) => `pre/hosted/${name}`);
    expect(keys().sort()).toEqual(kept.sort());
    expect([...bucket.uploads.values()].map(({ key }) => key)).toEqual([
      "pre/media/local/parts.png",
    ]);
  });

  it("is looked for every hour, and a bucket that is away keeps nobody from starting", async () => {
    bucket.fault = () => ({ status: 503 });
    await hosting.open();
    await hosting.sweep();
    const asked = bucket.hits.length;
    await clock.advance(HOUR_MS);
    await expect.poll(() => bucket.hits.length).toBeGreaterThan(asked);
  });

  it("stays for the next start once the process ends", async () => {
    await promised("job_a", ["one"]);
    await hosting.close();
    await hosting.release(OWNER, "job_a");
    expect(keys()).toHaveLength(1);
  });
});
