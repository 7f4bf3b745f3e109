import { createHash, randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../src/gateway/bucket-client.ts";
import { BucketWriter, PATIENCE_MS } from "../../src/media/bucket-writer.ts";
import { FakeBucket } from "../support/fake-bucket.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const MIB = 1024 * 1024;
const PART = 16 * MIB;
const SOME_MS = 1_000;

let bucket: FakeBucket;
let clock: FakeClock;
let writer: BucketWriter;
let said: string[];

beforeEach(async () => {
  bucket = await FakeBucket.open();
  clock = new FakeClock();
  writer = new BucketWriter(bucket.client(clock), clock);
  said = [];
});

const whole = (word: string) => () => {
  const bytes = Buffer.from(word);
  return { content: bytes, bytes: bytes.length, sha256: sha256Of(bytes) };
};
const waiting = (why: string) => void said.push(why);
const isWrite = ({ method }: { method: string }) => method === "PUT";

/** Lets time pass until something is over. */
async function inTime<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  let isOver = false;
  const settled = Promise.allSettled([work]).then(([one]) => {
    isOver = true;
    return one;
  });
  // Only a wait takes time; what is on its way has all it needs.
  while (!isOver) await (clock.pending > 0 ? clock.advance(SOME_MS) : settle(1));
  return settled;
}

/** Bytes in pieces that fit nothing. */
async function* pieces(bytes: Buffer, size = 700_001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a write", () => {
  it("that fails waits, says why, and is tried again until it is done", async () => {
    bucket.fault = (hit) =>
      isWrite(hit) && bucket.asked("PUT") <= 3 ? { status: 503, code: "SlowDown" } : undefined;
    const written = await inTime(writer.put("pre/a", whole("x"), "", { waiting }));
    expect(written.status).toBe("fulfilled");
    expect(bucket.files.get("pre/a")?.bytes.toString()).toBe("x");
    expect(said).toHaveLength(3);
    expect(said[0]).toBe("The bucket for files cannot be used: it answered 503 SlowDown.");
  });

  it.each([
    { status: 500 },
    { status: 503, code: "SlowDown" },
    { status: 507, code: "XMinioStorageFull" },
    { status: 403, code: "QuotaExceeded" },
    { status: 403, code: "AccessDenied" },
    "cut" as const,
  ])("that fails with %j is tried for ten minutes, at most ten seconds apart", async (fault) => {
    const at: number[] = [];
    bucket.fault = (hit) => {
      if (!isWrite(hit)) return undefined;
      at.push(clock.elapsed());
      return fault;
    };
    const written = await inTime(writer.put("pre/a", whole("x"), "", { waiting }));
    expect(written).toMatchObject({ status: "rejected", reason: { code: "storage" } });
    expect(at.at(-1)).toBeGreaterThanOrEqual(PATIENCE_MS);
    const gaps = at.slice(1).map((time, position) => time - (at[position] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000 + SOME_MS);
    expect(said.length).toBe(at.length - 1);
  });

  it.each([
    ["SignatureDoesNotMatch", "the secret key is wrong"],
    ["InvalidAccessKeyId", "the access key is not known there"],
    ["NoSuchBucket", "there is no such bucket"],
  ])("that is refused with %s ends at once", async (code, words) => {
    bucket.fault = () => ({ status: 403, code });
    const written = writer.put("pre/a", whole("x"), "", { waiting });
    await expect(written).rejects.toMatchObject({ code: "configuration" });
    await expect(written).rejects.toThrow(words);
    expect(said).toEqual([]);
  });

  it("whose body is refused before it was taken ends at once as well", async () => {
    bucket.fault = (hit) => (isWrite(hit) ? "cut" : { status: 403, code: "SignatureDoesNotMatch" });
    await expect(writer.put("pre/a", whole("x"), "")).rejects.toMatchObject({
      code: "configuration",
    });
  });

  it("for somebody who waits is tried once", async () => {
    bucket.fault = () => ({ status: 503 });
    await expect(writer.put("pre/a", whole("x"), "", { once: true })).rejects.toMatchObject({
      code: "storage",
    });
    expect(bucket.asked("PUT")).toBe(1);
  });

  it("is called off while it waits", async () => {
    const off = new AbortController();
    bucket.fault = () => ({ status: 503 });
    const written = writer.put("pre/a", whole("x"), "", { waiting, signal: off.signal });
    await expect.poll(() => said.length).toBe(1);
    off.abort();
    await expect(written).rejects.toMatchObject({ code: "cancelled" });
  });

  it("opens its content anew for each try", async () => {
    let opened = 0;
    bucket.fault = (hit) => (isWrite(hit) && opened < 3 ? { status: 500 } : undefined);
    const open = async () => {
      opened++;
      return whole(`try ${opened}`)();
    };
    await inTime(writer.put("pre/a", open, ""));
    expect(bucket.files.get("pre/a")?.bytes.toString()).toBe("try 3");
  });
});

describe("content of a length that nobody knows", () => {
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

  it.each([0, 1, 70_000, PART - 1])("is one write, of %i bytes", async (length) => {
    const bytes = randomBytes(length);
    const written = await writer.putStream("pre/a", pieces(bytes), "text/plain");
    expect(written).toEqual({ sizeBytes: length, sha256: digest(bytes) });
    expect(bucket.files.get("pre/a")?.bytes.equals(bytes)).toBe(true);
    expect(bucket.files.get("pre/a")?.type).toBe("text/plain");
    expect(bucket.hits.length).toBe(1);
  });

  it.each([PART, PART + 1, 2 * PART + 5])("is parts, of %i bytes", async (length) => {
    const bytes = randomBytes(length);
    const written = await writer.putStream("pre/a", pieces(bytes), "");
    expect(written).toEqual({ sizeBytes: length, sha256: digest(bytes) });
    expect(bucket.files.get("pre/a")?.bytes.equals(bytes)).toBe(true);
    const sizes = bucket.hits
      .filter(({ query }) => query.has("partNumber"))
      .map(({ headers }) => Number(headers["content-length"]));
    // All but the last have as many: some servers want that.
    expect(new Set(sizes.slice(0, -1).concat(PART)).size).toBe(1);
    expect(bucket.uploads.size).toBe(0);
  });

  it("that breaks off leaves nothing, and fails with what it broke off with", async () => {
    const broken = async function* () {
      yield randomBytes(PART + 10);
      throw new RangeError("the rest is lost");
    };
    await expect(writer.putStream("pre/a", broken(), "")).rejects.toThrow("the rest is lost");
    expect(bucket.files.size).toBe(0);
    expect(bucket.uploads.size).toBe(0);
  });

  it("tries the part again that failed, and no other", async () => {
    let failures = 0;
    bucket.fault = ({ query }) =>
      query.get("partNumber") === "2" && failures++ < 2 ? { status: 503 } : undefined;
    const bytes = randomBytes(2 * PART + 1);
    const written = await inTime(writer.putStream("pre/a", pieces(bytes), "", { waiting }));
    expect(written.status).toBe("fulfilled");
    expect(bucket.files.get("pre/a")?.bytes.equals(bytes)).toBe(true);
    const numbers = bucket.hits.map(({ query }) => query.get("partNumber")).filter((one) => one);
    expect(numbers).toEqual(["1", "2", "2", "2", "3"]);
    expect(said).toHaveLength(2);
  });

  it("is whole though the answer to its last request was lost", async () => {
    bucket.loseAnswer = ({ method, query }) => method === "POST" && query.has("uploadId");
    const bytes = randomBytes(PART + 1);
    const written = await inTime(writer.putStream("pre/a", pieces(bytes), ""));
    expect(written).toMatchObject({ status: "fulfilled", value: { sizeBytes: bytes.length } });
    expect(bucket.files.get("pre/a")?.bytes.equals(bytes)).toBe(true);
  });

  it("tells how much has come, and ends where that is too much", async () => {
    const counts: number[] = [];
    const tooMuch = new RangeError("too much");
    const onBytes = (sizeBytes: number) => {
      counts.push(sizeBytes);
      if (sizeBytes > PART + MIB) throw tooMuch;
    };
    const content = pieces(randomBytes(PART + 3 * MIB));
    await expect(writer.putStream("pre/a", content, "", {}, onBytes)).rejects.toBe(tooMuch);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(bucket.files.size + bucket.uploads.size).toBe(0);
  });

  it("of many holds no more parts than have room together", async () => {
    let [inside, most] = [0, 0];
    const slow = async function* () {
      inside++;
      most = Math.max(most, inside);
      yield Buffer.alloc(10);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    const keys = Array.from({ length: 20 }, (_, n) => `pre/${n}`);
    await Promise.all(keys.map((key) => writer.putStream(key, slow(), "")));
    expect(bucket.files.size).toBe(20);
    expect(most).toBe(6);
  });
});
