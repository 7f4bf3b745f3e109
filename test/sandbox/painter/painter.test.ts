import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { LAYER_COUNT } from "../../../src/sandbox/contract/commission.ts";
import { layer } from "../../../src/sandbox/painter/layers.ts";
import { finish, get, openSandbox } from "../client.ts";
import { PATHS } from "../examples.ts";
import { serve } from "../file-server.ts";

type Opened = Awaited<ReturnType<typeof openSandbox>>;

async function draw(path: string, body: object, opened?: Opened): Promise<Buffer[]> {
  const { output } = await finish(opened ?? (await openSandbox()), path, body);
  return await Promise.all(output.media_url.map(async (url) => (await get(url, {})).bytes));
}

/** Mean difference of two pictures per channel, in steps of 256. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((bytes) =>
      sharp(bytes).resize(200, 200, { fit: "fill" }).removeAlpha().raw().toBuffer(),
    ),
  );
  if (!a || !b) return Number.NaN;
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
}

describe("a drawn picture", () => {
  it.each([
    [PATHS.longcat, { image_size: "landscape_4_3" }, 1024, 768],
    [PATHS.longcat, { image_size: "portrait_3_4" }, 768, 1024],
    [PATHS.longcat, { image_size: "square_1_1" }, 1024, 1024],
    [PATHS.longcat, { image_size: "ultra_wide_16_9" }, 1024, 576],
    [PATHS.longcat, { image_size: "ultra_portrait_9_16" }, 576, 1024],
    [PATHS.turbo, { image_size: "landscape_16_9" }, 1024, 576],
    [PATHS.base, { image_size: "portrait_9_16" }, 576, 1024],
    [PATHS.max, {}, 1024, 1024],
    [PATHS.max, { image_size: "portrait_hd" }, 960, 1280],
    [PATHS.max, { image_size: "landscape_hd" }, 1280, 960],
  ])("has the pixels of its preset: %s %j", async (path, size, width, height) => {
    const [bytes] = await draw(path, { prompt: "A lighthouse", ...size });
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "png", width, height });
  });

  it.each(["png", "jpeg", "webp"])("comes as %s", async (output_format) => {
    const body = { prompt: "A lighthouse", image_size: "square_1_1", output_format };
    const [bytes] = await draw(PATHS.longcat, body);
    expect((await sharp(bytes).metadata()).format).toBe(output_format);
  });

  it("follows from the request alone, and differs with the prompt", async () => {
    const of = (prompt: string) => draw(PATHS.turbo, { prompt, image_size: "landscape_16_9" });
    const [[one], [same], [other]] = [await of("A fox"), await of("A fox"), await of("A hen")];
    if (!one || !same || !other) expect.fail("a picture is missing");
    expect(same.equals(one)).toBe(true);
    expect(await difference(one, other)).toBeGreaterThan(10);
  });

  it("differs visibly from the others of its job", async () => {
    const all = await draw(PATHS.turbo, {
      prompt: "A fox in the snow",
      image_size: "landscape_16_9",
      num_images: 4,
    });
    expect(all).toHaveLength(4);
    for (const [n, one] of all.entries())
      for (const other of all.slice(n + 1))
        expect(await difference(one, other)).toBeGreaterThan(10);
  });

  it("carries its prompt: more words, more ink on the panel", async () => {
    const ink = async (prompt: string) => {
      const [bytes] = await draw(PATHS.max, { prompt });
      const area = { left: 60, top: 690, width: 900, height: 280 };
      const pixels = await sharp(bytes).extract(area).greyscale().raw().toBuffer();
      return pixels.filter((value) => value > 245).length;
    };
    expect(await ink("night")).toBeGreaterThan(1000);
    expect(await ink("night over the harbour, with every boat at its mooring")).toBeGreaterThan(
      (await ink("night")) * 2,
    );
  });

  it.each([
    ["nothing", ""],
    ["blanks", " \n\t "],
    ["one endless word", "x".repeat(3000)],
    ["a book", "Call me Ishmael. ".repeat(60_000)],
    ["other scripts", "東京の夜 — مرحبا بالعالم — עולם — Привет — ελληνικά — हिन्दी — ไทย"],
    ["emoji", "👩‍👩‍👧‍👦 🏳️‍🌈 🇯🇵 ☺️ ✂️ 🫠"],
    ["markup", '</svg><script>alert("&amp;")</script>'],
    ["broken text", "\u0000\u0007\ud800 \u202e\ufeff\u{10ffff} a\u0301\u0323"],
  ])("can be captioned with %s", async (_, prompt) => {
    const [bytes] = await draw(PATHS.turbo, { prompt, image_size: "landscape_16_9" });
    expect(await sharp(bytes).stats()).toMatchObject({ isOpaque: true });
    expect((await sharp(bytes).metadata()).width).toBe(1024);
  });

  it("stands a second time where a seed says so", async () => {
    const body = { prompt: "A car", image_urls: ["https://example.com/a.png"] };
    const of = async (seed: number) => (await draw(PATHS.lora, { ...body, seed }))[0];
    const [one, same, other] = [await of(1), await of(1), await of(2)];
    if (!one || !same || !other) expect.fail("a picture is missing");
    expect(same.equals(one)).toBe(true);
    expect(other.equals(one)).toBe(false);
  });
});

describe("layers", () => {
  const colours = { width: 800, height: 600, channels: 3, background: "#d08030" } as const;
  const input = () =>
    sharp({ create: colours })
      .composite([
        {
          input: Buffer.from(
            '<svg width="800" height="600"><circle cx="400" cy="280" r="120" fill="#203080"/><rect y="450" width="800" height="150" fill="#102010"/><rect x="40" y="40" width="200" height="12" fill="#fff"/></svg>',
          ),
        },
      ])
      .png()
      .toBuffer();

  async function split(opened: Opened, body: object = {}) {
    const original = await input();
    const image_url = await serve(original, "image/png");
    return { original, layers: await draw(PATHS.layered, { image_url, ...body }, opened) };
  }

  it("are four pictures of the input's size with transparency, each its own", async () => {
    const { layers } = await split(await openSandbox());
    expect(layers).toHaveLength(4);
    const [background, ...others] = layers;
    for (const bytes of layers)
      expect(await sharp(bytes).metadata()).toMatchObject({
        format: "png",
        width: 800,
        height: 600,
        channels: 4,
        hasAlpha: true,
      });
    expect((await sharp(background).stats()).isOpaque).toBe(true);
    for (const bytes of others) {
      const alpha = (await sharp(bytes).stats()).channels[3];
      expect(alpha?.min).toBe(0);
      expect(alpha?.max).toBeGreaterThan(100);
    }
  });

  it("give the input again when laid over one another", async () => {
    const { original, layers } = await split(await openSandbox());
    const [background, ...others] = layers;
    const joined = await sharp(background)
      .composite(others.map((bytes) => ({ input: bytes })))
      .png()
      .toBuffer();
    const apart = await difference(original, joined);
    expect(apart).toBeLessThan(1);
    for (const bytes of layers)
      expect(await difference(original, bytes)).toBeGreaterThan(apart * 1.5);
  });

  it.each([
    [1, 1],
    [5, 3],
    [40, 30],
    [600, 1],
  ])("can be had of a picture of %i by %i pixels", async (width, height) => {
    const tiny = await sharp({ create: { width, height, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    for (let index = 0; index < LAYER_COUNT; index++) {
      const facts = await sharp(await layer(tiny, index)).metadata();
      expect(facts).toMatchObject({ width, height, hasAlpha: true });
    }
  });

  it("come smaller in the fast mode", async () => {
    const { layers } = await split(await openSandbox(), { acceleration: "fast" });
    expect(await sharp(layers[0]).metadata()).toMatchObject({ width: 512, height: 384 });
  });
});
