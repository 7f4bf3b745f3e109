import { createServer } from "node:http";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { finish, get, openSandbox } from "./client.ts";
import { PATHS } from "./examples.ts";
import { serve } from "./file-server.ts";

function picture(background: string, width = 300, height = 200) {
  return sharp({ create: { width, height, channels: 3, background } });
}

async function edit(path: string, body: object) {
  const opened = await openSandbox();
  const status = await finish(opened, path, { prompt: "Make it better", ...body });
  const urls = status.output?.media_url ?? [];
  const files = await Promise.all(urls.map(async (url) => (await get(url, {})).bytes));
  return { ...opened, status, file: files[0] ?? Buffer.alloc(0), files };
}

describe("an edit of pictures", () => {
  it("has the size of its first input and shows it", async () => {
    const [red, blue] = await Promise.all([
      serve(await picture("#cc2222").png().toBuffer(), "image/png"),
      serve(await picture("#2222cc").jpeg().toBuffer(), "image/jpeg"),
    ]);
    const ofRed = await edit(PATHS.maxEdit, { image_urls: [red, blue] });
    const ofBlue = await edit(PATHS.maxEdit, { image_urls: [blue] });
    expect(await sharp(ofRed.file).metadata()).toMatchObject({ width: 300, height: 200 });
    // The small original at the upper right keeps the input's own colour.
    const corner = { left: 255, top: 35, width: 8, height: 8 };
    const colour = async (bytes: Buffer) => [
      ...(await sharp(bytes).extract(corner).resize(1, 1).removeAlpha().raw().toBuffer()),
    ];
    const [redder = 0, , lessBlue = 0] = await colour(ofRed.file);
    const [lessRed = 0, , bluer = 0] = await colour(ofBlue.file);
    expect(redder - lessBlue).toBeGreaterThan(120);
    expect(bluer - lessRed).toBeGreaterThan(120);
  });

  it("ignores all inputs but the first where the operation does", async () => {
    const red = await serve(await picture("#cc2222").png().toBuffer(), "image/png");
    const { status } = await edit(PATHS.maxEdit, { image_urls: [red, "http://127.0.0.1:1/x"] });
    expect(status.status).toBe("COMPLETED");
  });

  it("yields as many variants as asked, each different", async () => {
    const red = await serve(await picture("#cc2222").png().toBuffer(), "image/png");
    const { files } = await edit(PATHS.maxEdit, { image_urls: [red], num_images: 4 });
    expect(new Set(files.map((bytes) => bytes.toString("base64"))).size).toBe(4);
  });

  it("shows all of up to ten reference pictures", async () => {
    const uri = async (background: string) =>
      `data:image/png;base64,${(await picture(background, 64, 64).png().toBuffer()).toString("base64")}`;
    const [red, blue] = [await uri("#cc2222"), await uri("#2222cc")];
    const image_urls = [...Array(9).fill(red), blue];
    const { status, file } = await edit(PATHS.lora, { image_urls, image_size: "square_hd" });
    expect(status.status).toBe("COMPLETED");
    expect(await sharp(file).metadata()).toMatchObject({ width: 1024, height: 1024 });
    const onlyRed = await edit(PATHS.lora, {
      image_urls: Array(10).fill(red),
      image_size: "square_hd",
    });
    expect(onlyRed.file.equals(file)).toBe(false);
  });

  it("takes the pixels of an object, within reason", async () => {
    const image_urls = ["https://example.com/a.png"];
    const asked = await edit(PATHS.lora, { image_urls, image_size: { width: 640, height: 480 } });
    expect(await sharp(asked.file).metadata()).toMatchObject({ width: 640, height: 480 });
    const huge = await edit(PATHS.lora, { image_urls, image_size: { width: 1e9, height: 1 } });
    expect(await sharp(huge.file).metadata()).toMatchObject({ width: 2048, height: 64 });
  });

  it.each([
    [1, 1],
    [1500, 3],
    [3, 1500],
  ])("copes with an input of %d by %d pixels", async (width, height) => {
    const url = await serve(await picture("#cc2222", width, height).png().toBuffer(), "image/png");
    const { file } = await edit(PATHS.maxEdit, { image_urls: [url] });
    expect(await sharp(file).metadata()).toMatchObject({ width, height });
    const layered = await edit(PATHS.layered, { image_url: url });
    expect(layered.files).toHaveLength(4);
  });

  it("can start from an earlier result, without asking itself over HTTP", async () => {
    const opened = await openSandbox();
    const body = { prompt: "A fox", image_size: "landscape_16_9" };
    const [url] = (await finish(opened, PATHS.turbo, body)).output.media_url;
    const edited = await finish(opened, PATHS.maxEdit, { prompt: "A hen", image_urls: [url] });
    const file = await get(edited.output.media_url[0] ?? "");
    expect(await sharp(file.bytes).metadata()).toMatchObject({ width: 1024, height: 576 });
    const asked = opened.sandbox.requests().map((request) => request.path);
    expect(asked.filter((path) => path.includes("z-image-turbo-834_"))).toHaveLength(1);
  });

  it("keeps its result when the input is gone", async () => {
    const opened = await openSandbox();
    let served = 0;
    const bytes = await picture("#22cc22").png().toBuffer();
    const server = createServer((_, response) => {
      served += 1;
      response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const image_urls = [`http://localhost:${port}/a.png`];
    const status = await finish(opened, PATHS.maxEdit, { prompt: "A hen", image_urls });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(served).toBe(1);
    expect((await get(status.output.media_url[0] ?? "")).status).toBe(200);
  });

  it("never touches the network: a stand-in names the host", async () => {
    const reached: unknown[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = async (...call) => {
      reached.push(call[0]);
      return await original(...call);
    };
    try {
      const image_urls = ["https://example.com/reference1.png", "http://10.0.0.1/x.png"];
      const { status, file } = await edit(PATHS.lora, { image_urls });
      expect(status.status).toBe("COMPLETED");
      expect((await sharp(file).metadata()).format).toBe("png");
      const trained = await edit(PATHS.trainer, { image_data_url: "https://example.com/a.zip" });
      expect(trained.status.status).toBe("COMPLETED");
    } finally {
      globalThis.fetch = original;
    }
    expect(reached).toStrictEqual([]);
  });
});

describe("an input that cannot be used", () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';

  it.each([
    ["text", Buffer.from("not a picture"), "text/plain", 200, "not a picture"],
    ["a vector file", Buffer.from(svg), "image/svg+xml", 200, "not a picture"],
    ["a missing file", Buffer.from("gone"), "text/plain", 404, "HTTP 404"],
  ])("fails the job: %s", async (_, bytes, type, httpStatus, said) => {
    const url = await serve(bytes, type, httpStatus);
    const { status } = await edit(PATHS.maxEdit, { image_urls: [url] });
    expect(status).toMatchObject({ status: "FAILED", output: null });
    expect(status.error).toContain(said);
    expect(status.error).toContain(url);
  });

  it("fails the job: a cut picture, a huge one, nobody there, nothing under that path", async () => {
    const noise = await sharp({
      create: {
        width: 300,
        height: 300,
        channels: 3,
        background: "#888",
        noise: { type: "gaussian", mean: 128, sigma: 60 },
      },
    })
      .png()
      .toBuffer();
    const cut = await serve(noise.subarray(0, noise.length / 2), "image/png");
    const bomb = await picture("#000", 10_050, 10_000).png({ compressionLevel: 2 }).toBuffer();
    expect(bomb.length).toBeLessThan(4_000_000);
    const huge = await serve(bomb, "image/png");
    for (const url of [cut, huge, "http://127.0.0.1:1/a.png"])
      expect((await edit(PATHS.maxEdit, { image_urls: [url] })).status.status).toBe("FAILED");
    const opened = await openSandbox();
    const image_url = `${opened.sandbox.origin}/nothing.png`;
    const status = await finish(opened, PATHS.layered, { image_url });
    expect(status.error).toContain("not found");
  });

  it("fails a training whose archive is within reach and no ZIP", async () => {
    const zip = await serve(Buffer.from("PK\u0003\u0004…"), "application/zip");
    expect((await edit(PATHS.trainer, { image_data_url: zip })).status.status).toBe("COMPLETED");
    const text = await serve(Buffer.from("hello"), "application/zip");
    const { status } = await edit(PATHS.trainer, { image_data_url: text });
    expect(status.status).toBe("FAILED");
    expect(status.error).toContain("ZIP");
  });
});
