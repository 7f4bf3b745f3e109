import { describe, expect, it } from "vitest";
import { readBucketAddress, shownBucket } from "../../src/core/bucket-address.ts";

const AT = "endpoint=https://s3.example.com&region=eu-central-1";

/** What is wrong with an address. */
function problemOf(text: string): string {
  const read = readBucketAddress(text);
  return "problem" in read ? read.problem : "";
}

describe("the address of a bucket", () => {
  it("is a bucket, a prefix and the way to them", () => {
    expect(readBucketAddress(`s3://files/a/b?${AT}`)).toEqual({
      address: {
        bucket: "files",
        prefix: "a/b",
        endpoint: "https://s3.example.com",
        publicEndpoint: "https://s3.example.com",
        region: "eu-central-1",
        style: "path",
      },
    });
  });

  it.each([
    [`s3://files?${AT}`, { prefix: "" }],
    [`s3://files/?${AT}`, { prefix: "" }],
    [`s3://files/a/?${AT}`, { prefix: "a" }],
    [`S3://my-files.of.mine/a_b~1.2?${AT}`, { bucket: "my-files.of.mine", prefix: "a_b~1.2" }],
    ["s3://files?region=eu-west-1", { endpoint: "https://s3.eu-west-1.amazonaws.com" }],
    ["s3://files?endpoint=https://s3.example.com", { region: "us-east-1" }],
    ["s3://files?endpoint=http://127.0.0.1:9000/", { endpoint: "http://127.0.0.1:9000" }],
    [
      "s3://files?endpoint=https://x.supabase.co/storage/v1/s3",
      { endpoint: "https://x.supabase.co/storage/v1/s3" },
    ],
    [`s3://files?${AT}&style=virtual`, { style: "virtual" }],
    [`s3://files?${AT}&style=path`, { style: "path" }],
    [
      "s3://files?endpoint=http://minio:9000&public_endpoint=https://files.example.com",
      { endpoint: "http://minio:9000", publicEndpoint: "https://files.example.com" },
    ],
    [
      "s3://files?endpoint=https%3A%2F%2Fs3.example.com%3A444&region=auto",
      { endpoint: "https://s3.example.com:444", region: "auto" },
    ],
  ])("%s is taken", (text, expected) => {
    expect(readBucketAddress(text)).toMatchObject({ address: expected });
  });

  it.each([
    ["", /must be like s3:/],
    ["https://files.example.com", /must be like s3:/],
    ["s3:files", /must be like s3:/],
    ["s3://", /names no bucket|must be like/],
    [`s3://ab?${AT}`, /names no bucket/],
    [`s3://Files?${AT}`, /names no bucket/],
    [`s3://a..b?${AT}`, /names no bucket/],
    [`s3://-files?${AT}`, /names no bucket/],
    [`s3://files_a?${AT}`, /names no bucket/],
    [`s3://${"a".repeat(64)}?${AT}`, /names no bucket/],
    [`s3://files:9000?${AT}`, /names a port/],
    [`s3://files/a//b?${AT}`, /has a prefix/],
    [`s3://files/a b?${AT}`, /has a prefix/],
    [`s3://files/a%2Fb?${AT}`, /has a prefix/],
    [`s3://files/ä?${AT}`, /has a prefix/],
    [`s3://files/${"a/".repeat(200)}?${AT}`, /has a prefix/],
    [`s3://files?${AT}#part`, /must have no #/],
    [`s3://files?${AT}#`, /must have no #/],
    ["s3://files", /must say where its server is/],
    ["s3://files?style=path", /must say where its server is/],
    [`s3://files?${AT}&region=eu-west-1`, /"region" more than once/],
    [`s3://files?${AT}&retries=3`, /parameter "retries" that is none of endpoint, region/],
    [`s3://files?${AT}&Region=eu`, /parameter "Region"/],
    [`s3://files?${AT}&style=other`, /has a style/],
    ["s3://files?endpoint=https://s3.example.com&region=eu%20west", /has a region/],
    ["s3://files?endpoint=s3.example.com", / as its endpoint$/],
    ["s3://files?endpoint=ftp://s3.example.com", / as its endpoint$/],
    ["s3://files?endpoint=https://s3.example.com/%3Fa=b", / as its endpoint$/],
    ["s3://files?endpoint=https://s3.example.com?a", / as its endpoint$/],
    [`s3://files?${AT}&public_endpoint=files.example.com`, / as its public_endpoint$/],
    ["s3://files?endpoint=http://127.0.0.1:9000&style=virtual", /before which no bucket/],
    ["s3://files?endpoint=http://[::1]:9000&style=virtual", /before which no bucket/],
  ])("%s is not", (text, expected) => {
    expect(problemOf(text)).toMatch(expected);
  });

  it.each([
    `s3://AKIAEXAMPLE:very-secret@files?${AT}`,
    `s3://very-secret@files?${AT}`,
    "s3://files?endpoint=https://user:very-secret@s3.example.com",
    `s3://files?${AT}&secret=very-secret`,
    `s3://files?${AT}&very-secret,=1`,
    `s3://files?${AT}&public_endpoint=https://very-secret@s3.example.com`,
  ])("a secret in it is refused and not repeated (%#)", (text) => {
    const problem = problemOf(text);
    expect(problem).not.toBe("");
    expect(problem).not.toContain("very-secret");
  });

  it("is shown without a key, and there is none in it", () => {
    const read = readBucketAddress(`s3://files/a?${AT}`);
    if ("problem" in read) throw new Error(read.problem);
    expect(shownBucket(read.address)).toBe("s3://files/a at https://s3.example.com");
    expect(shownBucket({ ...read.address, prefix: "" })).toBe(
      "s3://files at https://s3.example.com",
    );
  });
});
