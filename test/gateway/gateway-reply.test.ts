import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readReply } from "../../src/gateway/gateway-reply.ts";

const URL_1 = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/v1/a/output.ext";
const URL_2 = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/v1/b/output.ext";
const ID = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";

const read = (body: unknown) => readReply(JSON.stringify(body));

describe("the documented answers", () => {
  it("R1, the acceptance of a queued job", () => {
    expect(
      read({
        request_id: ID,
        status: "QUEUED",
        polling_url: `https://gateway.pixazo.ai/v2/requests/status/${ID}`,
      }),
    ).toMatchObject({ requestId: ID, status: "queued", mediaUrls: [], reportsFailure: false });
  });

  it("R2, a completed job", () => {
    expect(
      read({
        request_id: ID,
        status: "COMPLETED",
        model_id: "longcat-image-498",
        error: null,
        output: { media_url: [URL_1], media_type: "application/octet-stream" },
        created_at: "2026-03-31T10:00:00.000Z",
        updated_at: "2026-03-31T10:00:15.000Z",
        completed_at: "2026-03-31T10:00:15.000Z",
      }),
    ).toMatchObject({ status: "completed", mediaUrls: [URL_1], reportsFailure: false });
  });

  it("R2, a job that failed, without dates", () => {
    expect(
      read({
        request_id: ID,
        status: "ERROR",
        model_id: "longcat-image-498",
        error: "Description of the error",
        output: null,
      }),
    ).toMatchObject({ status: "error", rawStatus: "ERROR", mediaUrls: [], reportsFailure: true });
  });

  it("R3, the long form", () => {
    expect(
      read({
        status_code: 200,
        request_id: "3daccb10-10ca-9399-8b6a-xxxxxx",
        code: "",
        message: "",
        output: {
          text: null,
          finish_reason: null,
          choices: [
            {
              finish_reason: "stop",
              message: { role: "assistant", content: [{ image: URL_1 }] },
            },
          ],
        },
        usage: { input_tokens: 0, output_tokens: 0, width: 1248, image_count: 1, height: 832 },
      }),
    ).toMatchObject({
      requestId: "3daccb10-10ca-9399-8b6a-xxxxxx",
      status: undefined,
      statusCode: 200,
      mediaUrls: [URL_1],
      reportsFailure: false,
    });
  });

  it("R3, the short form", () => {
    const output = { choices: [{ message: { content: [{ image: URL_1 }] } }] };
    expect(read({ status_code: 200, request_id: "3dac", output })).toMatchObject({
      mediaUrls: [URL_1],
    });
  });

  it("R4, a list of images", () => {
    expect(
      read({
        images: [
          { file_name: "a.png", content_type: "image/png", url: URL_1 },
          { file_name: "b.png", content_type: "image/png", url: URL_2 },
        ],
        description: "",
      }),
    ).toMatchObject({ requestId: undefined, status: undefined, mediaUrls: [URL_1, URL_2] });
  });

  it("R4 with the placeholder of the documentation has no picture", () => {
    expect(read({ images: [{ url: "[RESPONSE_URL]" }], description: "" })?.mediaUrls).toEqual([]);
  });

  it("R5, the older status", () => {
    expect(
      read({ status: "processing", progress: 0.45, request_id: "XXXXXXXXXXXXX" }),
    ).toMatchObject({ status: "processing", progress: 0.45, mediaUrls: [] });
    expect(
      read({
        status: "completed",
        progress: 1.0,
        request_id: "XXXXXXXXXXXXX",
        result_url: "https://storage.pixazo.ai/results/XXXXXXXXXXXXX.png",
        created_at: "2024-06-15T10:30:00Z",
        duration_seconds: 42,
        model_version: "longcat-v1.2",
      }),
    ).toMatchObject({
      status: "completed",
      progress: 1,
      mediaUrls: ["https://storage.pixazo.ai/results/XXXXXXXXXXXXX.png"],
    });
  });
});

describe("the files of an answer", () => {
  it.each([
    ["none", [], []],
    ["one", [URL_1], [URL_1]],
    ["several, in order", [URL_2, URL_1], [URL_2, URL_1]],
    ["a bare address in place of a list", URL_1, [URL_1]],
    ["the same twice", [URL_1, URL_1], [URL_1]],
    ["null", null, []],
    ["something else", { a: 1 }, []],
    ["some that are no addresses", [null, 7, "", "ftp://x/y", "/relative", URL_1], [URL_1]],
  ])("media_url: %s", (_what, media_url, expected) => {
    expect(read({ status: "COMPLETED", output: { media_url } })?.mediaUrls).toEqual(expected);
  });

  it("several pictures in one message and several messages", () => {
    const choices = [
      { message: { content: [{ text: "Here:" }, { image: URL_1 }] } },
      { message: { content: [{ image: URL_2 }, null, "x"] } },
      null,
    ];
    expect(read({ output: { choices } })?.mediaUrls).toEqual([URL_1, URL_2]);
  });

  it("the empty list beside a full one", () => {
    expect(read({ output: { choices: [] }, images: [{ url: URL_1 }] })?.mediaUrls).toEqual([URL_1]);
  });
});

describe("the status of an answer", () => {
  it.each([
    ["QUEUED", "queued"],
    ["queued", "queued"],
    ["Processing", "processing"],
    ["PROCESSING", "processing"],
    [" completed ", "completed"],
    ["COMPLETED", "completed"],
    ["Failed", "failed"],
    ["error", "error"],
    ["WARMING_UP", "processing"],
    ["", "processing"],
  ])("%j reads as %s", (raw, status) => {
    expect(read({ status: raw })).toMatchObject({ status, rawStatus: raw });
  });

  it("is absent when there is none, or none that is a word", () => {
    expect(read({})?.status).toBeUndefined();
    expect(read({ status: 200 })?.status).toBeUndefined();
  });
});

describe("what is no answer", () => {
  it.each(["", "OK", "<html></html>", "[]", "null", '"COMPLETED"', "7", '{"status":'])(
    "%j",
    (body) => {
      expect(readReply(body)).toBeUndefined();
    },
  );
});

describe("any JSON object", () => {
  it("is read without a throw, and never yields an address that cannot be fetched", () => {
    const field = fc.constantFrom(
      "request_id",
      "status",
      "status_code",
      "error",
      "output",
      "images",
      "media_url",
      "choices",
      "message",
      "content",
      "image",
      "url",
      "result_url",
      "progress",
      "success",
    );
    const leaf = fc.oneof(
      fc.constantFrom(URL_1, "http://", "https://[", "COMPLETED", "QUEUED"),
      fc.jsonValue({ maxDepth: 1 }),
    );
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        leaf,
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(field, tie("node"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(field, node), (body) => {
        const reply = readReply(JSON.stringify(body));
        expect(reply).toBeDefined();
        for (const url of reply?.mediaUrls ?? []) expect(URL.canParse(url)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
