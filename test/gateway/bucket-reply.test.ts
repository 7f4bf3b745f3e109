import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  completion,
  isCompleted,
  readErrorCode,
  readList,
  readUploadId,
  readUploads,
} from "../../src/gateway/bucket-reply.ts";

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const entry = (key: string, size = "3") =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-20T12:00:00.000Z</LastModified><ETag>&quot;a&quot;</ETag><Size>${size}</Size></Contents>`;
const list = (content: string) =>
  `<?xml version="1.0"?><ListBucketResult ${NAMESPACE}>${content}</ListBucketResult>`;

describe("what a bucket answers", () => {
  it("is a list with what each file is", () => {
    expect(
      readList(
        list(`<IsTruncated>false</IsTruncated>${entry("a/b.png")}${entry("a/c &amp; d", "0")}`),
      ),
    ).toEqual({
      objects: [
        { key: "a/b.png", sizeBytes: 3, modifiedAt: Date.parse("2026-11-20T12:00:00Z") },
        { key: "a/c & d", sizeBytes: 0, modifiedAt: Date.parse("2026-11-20T12:00:00Z") },
      ],
      next: undefined,
    });
  });

  it("is an empty list", () => {
    expect(readList(list(""))).toEqual({ objects: [], next: undefined });
  });

  it("goes on with the token that it names", () => {
    const more =
      "<IsTruncated>true</IsTruncated><NextContinuationToken>t+k=</NextContinuationToken>";
    expect(readList(list(more + entry("a")))?.next).toEqual({ "continuation-token": "t+k=" });
    expect(readList(list("<IsTruncated>true</IsTruncated>"))?.next).toBeUndefined();
  });

  it("has keys as they are in an address, where it says so", () => {
    const encoded = list(`<EncodingType>url</EncodingType>${entry("a%2Fb+c%20%C3%A9%2B")}`);
    expect(readList(encoded)?.objects[0]?.key).toBe("a/b c é+");
    expect(readList(list(entry("a%2Fb")))?.objects[0]?.key).toBe("a%2Fb");
    const broken = list(`<EncodingType>url</EncodingType>${entry("%E9")}${entry("b")}`);
    expect(readList(broken)?.objects.map(({ key }) => key)).toEqual(["b"]);
  });

  it("leaves out entries that say nothing", () => {
    const odd = `<Contents></Contents>${entry("a", "many")}${entry("", "3")}${entry("b")}`;
    expect(readList(list(odd))?.objects.map(({ key }) => key)).toEqual(["b"]);
  });

  it("is a list of uploads", () => {
    const text = `<ListMultipartUploadsResult ${NAMESPACE}><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>
      <Upload><Key>a</Key><UploadId>u</UploadId><Initiated>2026-11-20T12:00:00Z</Initiated></Upload><Upload><Key>b</Key></Upload></ListMultipartUploadsResult>`;
    expect(readUploads(text)).toEqual({
      uploads: [{ key: "a", uploadId: "u", begunAt: Date.parse("2026-11-20T12:00:00Z") }],
      next: { "key-marker": "k", "upload-id-marker": "u" },
    });
  });

  it("is the id of an upload, or its end", () => {
    expect(
      readUploadId(
        `<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>`,
      ),
    ).toBe("u-1");
    expect(
      isCompleted(`<CompleteMultipartUploadResult><Key>a</Key></CompleteMultipartUploadResult>`),
    ).toBe(true);
    // It may have been said that all is well before it was not.
    expect(isCompleted("<Error><Code>InternalError</Code></Error>")).toBe(false);
    expect(isCompleted("")).toBe(false);
  });

  it.each([
    ["<Error><Code>NoSuchKey</Code><Message>x</Message></Error>", "NoSuchKey"],
    [
      `<?xml version='1.0'?>\n<s3:Error xmlns:s3="x"><s3:Code>AccessDenied</s3:Code></s3:Error>`,
      "AccessDenied",
    ],
    ["<Error><Code>not a\nword</Code></Error>", "Error"],
    [`<Error><Code>${"A".repeat(70)}</Code></Error>`, "Error"],
    ["<Error></Error>", "Error"],
    ["<html><body>502</body></html>", undefined],
    ["502 Bad Gateway", undefined],
    ["", undefined],
    ["<Error><Code>Cut", undefined],
  ])("says what is wrong: %s", (text, expected) => {
    expect(readErrorCode(text)).toBe(expected);
  });

  it("is believed no more than it must be", () => {
    const bomb = `<!DOCTYPE a [<!ENTITY x "${"y".repeat(10)}">]><ListBucketResult>${entry("&x;")}</ListBucketResult>`;
    expect(readList(bomb)).toBeUndefined();
    expect(readList(list("<a>".repeat(40) + "</a>".repeat(40)))).toBeUndefined();
    expect(readList(list("<a/>".repeat(60_000)))).toBeUndefined();
    expect(readList("<Other/>")).toBeUndefined();
    expect(readUploads(list(""))).toBeUndefined();
    expect(readUploadId(list(""))).toBeUndefined();
  });

  it("may be anything at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const read of [readList, readUploads, readErrorCode, readUploadId]) read(`<a>${text}`);
        expect(isCompleted(text)).toBe(false);
      }),
    );
  });
});

it("an upload ends with its parts in order, whatever their tags hold", () => {
  expect(completion(['"a"', "<&>"])).toContain(
    "<Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part><Part><PartNumber>2</PartNumber><ETag>&lt;&amp;></ETag></Part>",
  );
});
