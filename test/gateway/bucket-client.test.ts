import { text } from "node:stream/consumers";
import { beforeEach, describe, expect, it } from "vitest";
import { type BucketClient, sha256Of } from "../../src/gateway/bucket-client.ts";
import { type BucketFailureKind, failureOf } from "../../src/gateway/bucket-failure.ts";
import { FakeBucket } from "../support/fake-bucket.ts";

let bucket: FakeBucket;
let client: BucketClient;

beforeEach(async () => {
  bucket = await FakeBucket.open();
  client = bucket.client();
});

const content = (word: string) => {
  const bytes = Buffer.from(word);
  return { content: bytes, bytes: bytes.length, sha256: sha256Of(bytes) };
};
async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

describe("a bucket", () => {
  it("keeps what it is given, as what it is given", async () => {
    await client.put("pre/a b/é.png", content("hello"), "image/png");
    expect(bucket.files.get("pre/a b/é.png")).toMatchObject({ type: "image/png" });
    expect(await text(await client.get("pre/a b/é.png"))).toBe("hello");
    expect(await text(await client.get("pre/a b/é.png", "bytes=1-2"))).toBe("el");
    expect(await client.head("pre/a b/é.png")).toMatchObject({ sizeBytes: 5 });
    const [put] = bucket.hits;
    expect(put?.headers["content-length"]).toBe("5");
    expect(put?.headers["authorization"]).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\//);
    expect(JSON.stringify(put?.headers)).not.toContain("transfer-encoding");
  });

  it("takes nothing but what was announced", async () => {
    const other = { ...content("hello"), sha256: sha256Of(Buffer.from("other")) };
    await expect(client.put("pre/a", other, "image/png")).rejects.toMatchObject({
      kind: "unavailable",
    });
    expect(bucket.files.size).toBe(0);
  });

  it("has no such file, and deletes it all the same", async () => {
    expect(await client.head("pre/none")).toBeUndefined();
    await expect(client.get("pre/none")).rejects.toMatchObject({ kind: "no-object" });
    await client.delete("pre/none");
    await client.abort({ key: "pre/none", uploadId: "none" });
  });

  it("is listed page by page, and only below what was asked for", async () => {
    bucket.page = 2;
    for (const key of ["pre/1", "pre/2", "pre/3", "pre/4", "pre/5", "prefix"]) {
      await client.put(key, content(key), "");
    }
    expect((await all(client.list("pre/"))).map(({ key }) => key)).toEqual([
      ...["pre/1", "pre/2", "pre/3", "pre/4", "pre/5"],
    ]);
  });

  it("makes a file of parts", async () => {
    const key = "pre/large";
    const uploadId = await client.begin(key, "application/zip");
    const upload = { key, uploadId };
    const tags = [
      await client.putPart(upload, 1, Buffer.from("one ")),
      await client.putPart(upload, 2, Buffer.from("two")),
    ];
    expect(await all(client.uploads("pre/"))).toMatchObject([upload]);
    await client.complete(upload, tags);
    expect(await text(await client.get(key))).toBe("one two");
    expect(await all(client.uploads("pre/"))).toEqual([]);
  });

  it("answers when it is asked whether it is there, with one entry at most", async () => {
    await client.check();
    expect(bucket.hits.at(-1)?.query.get("max-keys")).toBe("1");
    bucket.fault = () => ({ status: 200, code: "None" });
    await expect(client.check()).rejects.toThrow("is it an S3 server?");
  });

  it("links to a file for a while, without asking anybody", async () => {
    const asked = bucket.hits.length;
    const link = new URL(await client.link("pre/a.png", 60, { mimeType: "image/png" }));
    expect(bucket.hits.length).toBe(asked);
    expect(link.searchParams.get("X-Amz-Expires")).toBe("60");
    expect(link.searchParams.get("response-content-type")).toBe("image/png");
  });
});

describe("a bucket that fails", () => {
  it.each<[number, string | undefined, BucketFailureKind]>([
    [403, "SignatureDoesNotMatch", "signature"],
    [403, "InvalidAccessKeyId", "signature"],
    [400, "InvalidToken", "signature"],
    [400, "AuthorizationHeaderMalformed", "signature"],
    [400, "ExpiredToken", "denied"],
    [403, "AccessDenied", "denied"],
    [301, "PermanentRedirect", "denied"],
    [404, "NoSuchBucket", "no-bucket"],
    [404, "NoSuchKey", "no-object"],
    [404, "NoSuchUpload", "no-object"],
    [416, "InvalidRange", "no-range"],
    [403, "QuotaExceeded", "unavailable"],
    [403, "RequestTimeTooSkewed", "unavailable"],
    [507, "XMinioStorageFull", "unavailable"],
    [500, "InternalError", "unavailable"],
    [503, "SlowDown", "unavailable"],
    [503, undefined, "unavailable"],
    [429, undefined, "unavailable"],
    [403, undefined, "denied"],
    [401, undefined, "denied"],
  ])("with %s %s is %s", async (status, code, kind) => {
    bucket.fault = () => (code === undefined ? { status } : { status, code });
    const failed = client.put("pre/a", content("x"), "");
    await expect(failed).rejects.toMatchObject({ name: "BucketFailure", kind });
    await expect(failed).rejects.toThrow(String(status));
  });

  it("tells a missing bucket from a missing file, also where it says no word", () => {
    expect(failureOf(404, undefined, true).kind).toBe("no-object");
    expect(failureOf(404, undefined, false).kind).toBe("no-bucket");
    expect(failureOf(404, "SomethingElse", true).kind).toBe("unavailable");
  });

  it("by hanging up is unavailable, and says how", async () => {
    bucket.fault = () => "cut";
    await expect(client.check()).rejects.toMatchObject({
      kind: "unavailable",
      message: "the connection broke",
    });
  });

  it("by not being there is unavailable", async () => {
    bucket.port = 1;
    await expect(bucket.client().check()).rejects.toMatchObject({
      kind: "unavailable",
      message: "the connection was refused",
    });
  });

  it("after it has said that all is well has not made a file", async () => {
    const upload = { key: "pre/a", uploadId: await client.begin("pre/a", "") };
    bucket.fault = ({ method }) =>
      method === "POST" ? { status: 200, code: "InternalError" } : undefined;
    await expect(client.complete(upload, ["a"])).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("is left alone by whoever calls it off", async () => {
    const off = new AbortController();
    bucket.fault = () => "hang";
    const put = client.put("pre/a", content("x"), "", off.signal);
    await expect.poll(() => bucket.hits.length).toBe(1);
    off.abort();
    await expect(put).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("never has its secret in what it says", async () => {
    bucket.fault = () => ({ status: 403, code: "SignatureDoesNotMatch" });
    const error = await client.check().catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('"secret"');
  });
});
