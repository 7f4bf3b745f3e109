import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { call, finish, get, openSandbox, post } from "../client.ts";
import { PATHS } from "../examples.ts";

const JOB = { prompt: "A lighthouse on a cliff", image_size: "landscape_16_9" };

async function openFile(body: object = JOB) {
  const opened = await openSandbox();
  const { output } = await finish(opened, PATHS.turbo, body);
  const url = output.media_url[0] ?? "";
  return { ...opened, url, whole: await get(url, {}) };
}

describe("a finished file", () => {
  it("comes without a key, with length, type and tag", async () => {
    const { whole } = await openFile();
    expect(whole.status).toBe(200);
    expect(whole.headers).toMatchObject({
      "content-type": "image/png",
      "content-length": String(whole.bytes.length),
      "accept-ranges": "bytes",
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    });
  });

  it("is the same whenever it is asked for, drawn anew or not", async () => {
    const { url, whole, sandbox } = await openFile();
    expect((await get(url)).bytes.equals(whole.bytes)).toBe(true);
    const again = await openFile();
    expect(again.whole.bytes.equals(whole.bytes)).toBe(true);
    expect(again.sandbox.origin).not.toBe(sandbox.origin);
  });

  it("is not there before its job has finished", async () => {
    const { sandbox, clock } = await openSandbox();
    const { json } = await post(sandbox.origin + PATHS.turbo, JOB);
    const url = `${sandbox.origin}/v1/${json.request_id}/output.png`;
    expect((await get(url)).status).toBe(404);
    await clock.advance(999);
    expect((await get(url)).status).toBe(404);
    await clock.advance(1);
    expect((await get(url)).status).toBe(200);
    expect((await get(url.replace("output.png", "output_2.png"))).status).toBe(404);
    expect((await get(url.replace("output.png", "../output.png"))).status).toBe(404);
  });

  it("answers HEAD with the headers alone, and a known tag with 304", async () => {
    const { url, whole } = await openFile();
    const head = await call("HEAD", url, undefined, {});
    expect(head.status).toBe(200);
    expect(head.headers["content-length"]).toBe(String(whole.bytes.length));
    expect(head.bytes).toHaveLength(0);
    const known = await get(url, { "If-None-Match": String(whole.headers.etag) });
    expect(known.status).toBe(304);
  });

  it.each([
    ["bytes=0-99", 0, 100],
    ["bytes=100-", 100, undefined],
    ["bytes=-50", -50, undefined],
    ["bytes=10-10", 10, 11],
    ["bytes=5-99999999", 5, undefined],
  ])("is served in part: %s", async (range, start, end) => {
    const { url, whole } = await openFile();
    const part = await get(url, { Range: range });
    expect(part.status).toBe(206);
    const expected = whole.bytes.subarray(start, end);
    expect(part.bytes.equals(expected)).toBe(true);
    expect(part.headers["content-length"]).toBe(String(expected.length));
    const first = start < 0 ? whole.bytes.length + start : start;
    expect(part.headers["content-range"]).toBe(
      `bytes ${first}-${first + expected.length - 1}/${whole.bytes.length}`,
    );
  });

  it("can be put together from two parts", async () => {
    const { url, whole } = await openFile();
    const etag = String(whole.headers.etag);
    const head = await get(url, { Range: "bytes=0-9999" });
    const rest = await get(url, { Range: "bytes=10000-", "If-Range": etag });
    const joined = Buffer.concat([head.bytes, rest.bytes]);
    const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect(sha(joined)).toBe(sha(whole.bytes));
  });

  it.each([
    ["bytes=99999999-", 416],
    ["bytes=-0", 416],
    ["bytes=0-1,5-6", 200],
    ["bytes=9-5", 200],
    ["lines=1-2", 200],
  ])("treats %s as RFC 9110 says", async (range, status) => {
    const { url, whole } = await openFile();
    const reply = await get(url, { Range: range });
    expect(reply.status).toBe(status);
    if (status === 416)
      expect(reply.headers["content-range"]).toBe(`bytes */${whole.bytes.length}`);
    else expect(reply.bytes.equals(whole.bytes)).toBe(true);
  });

  it("comes whole where If-Range names another version", async () => {
    const { url, whole } = await openFile();
    const reply = await get(url, { Range: "bytes=0-9", "If-Range": '"other"' });
    expect(reply.status).toBe(200);
    expect(reply.bytes).toHaveLength(whole.bytes.length);
  });
});

describe("a training's result", () => {
  it("is a readable safetensors file and its settings", async () => {
    const opened = await openSandbox();
    const { output } = await finish(opened, PATHS.trainer, {
      image_data_url: "https://example.com/lighting-training.zip",
      default_caption: "cinematic",
    });
    const [weights = "", config = ""] = output.media_url;
    const file = await get(weights, {});
    expect(weights).toMatch(/\/output\.safetensors$/);
    expect(file.headers["content-type"]).toBe("application/octet-stream");
    const length = Number(file.bytes.readBigUInt64LE(0));
    const { __metadata__: metadata, ...tensors } = JSON.parse(
      file.bytes.subarray(8, 8 + length).toString("utf8"),
    );
    expect(metadata).toBeTypeOf("object");
    let end = 0;
    for (const tensor of Object.values<{ shape: number[]; data_offsets: number[] }>(tensors)) {
      expect(tensor.data_offsets[0]).toBe(end);
      end = tensor.data_offsets[1] ?? 0;
      expect(end - (tensor.data_offsets[0] ?? 0)).toBe(
        tensor.shape.reduce((product, side) => product * side, 4),
      );
    }
    expect(file.bytes).toHaveLength(8 + length + end);
    expect(JSON.parse((await get(config)).text)).toMatchObject({ default_caption: "cinematic" });
  });
});
