import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import { type Conversion, convert, formatOf } from "../../src/media/conversion.ts";
import { tempDir } from "../support/temp-dir.ts";

const RED = { r: 220, g: 20, b: 30 };
let folder: string;

beforeEach(async () => {
  folder = await tempDir();
});

function plain(width = 40, height = 20, alpha?: number) {
  const background = alpha === undefined ? RED : { ...RED, alpha };
  return sharp({ create: { width, height, channels: alpha === undefined ? 3 : 4, background } });
}

async function made(bytes: Buffer, conversion: Conversion) {
  const target = join(folder, "made");
  await writeFile(target, "", { mode: 0o600 });
  const notes = await convert(bytes, conversion, "cat", target);
  const header = await sharp(target).metadata();
  const { data } = await sharp(target, { ignoreIcc: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { notes, header, pixel: [...data.subarray(0, header.channels)] };
}

describe("a picture made into another", () => {
  it.each([
    ["png", "png"],
    ["jpeg", "jpeg"],
    ["webp", "webp"],
  ] as const)("is %s", async (format, told) => {
    for (const given of [
      plain().png(),
      plain().webp(),
      plain().jpeg(),
      plain().tiff(),
      plain().gif(),
    ]) {
      const { header, notes } = await made(await given.toBuffer(), { format });
      expect(header).toMatchObject({ format: told, width: 40, height: 20 });
      expect(notes).toEqual([]);
    }
  });

  it("keeps its colour profile, and the colours that it gives a meaning to", async () => {
    const wide = await plain().withIccProfile("p3").png().toBuffer();
    const { icc } = await sharp(wide).metadata();
    const [red = 0] = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    for (const format of ["png", "jpeg", "webp"] as const) {
      const { header, pixel } = await made(wide, {
        format,
        quality: format === "png" ? undefined : 100,
      });
      expect(header.icc?.equals(icc ?? Buffer.alloc(0)), format).toBe(true);
      expect(Math.abs((pixel[0] ?? 0) - red), format).toBeLessThan(4);
    }
  });

  it("becomes white where it is transparent, as JPEG; elsewhere it stays so", async () => {
    const clear = await plain(10, 10, 0).png().toBuffer();
    const { header, pixel } = await made(clear, { format: "jpeg" });
    expect(header.hasAlpha).toBe(false);
    expect(pixel).toEqual([255, 255, 255]);
    const grey = await plain(10, 10, 0).toColourspace("b-w").png().toBuffer();
    expect((await made(grey, { format: "jpeg" })).pixel).toEqual([255]);
    const deep = await plain(10, 10, 0).toColourspace("rgb16").png().toBuffer();
    expect((await made(deep, { format: "jpeg" })).pixel).toEqual([255, 255, 255]);
    for (const format of ["png", "webp"] as const) {
      expect((await made(clear, { format })).header.hasAlpha, format).toBe(true);
    }
  });

  it("lies upright, and says nothing any more of how it was held or made", async () => {
    const lying = await plain()
      .withMetadata({ orientation: 6 })
      .withExif({ IFD0: { Copyright: "me" } })
      .jpeg()
      .toBuffer();
    for (const format of ["png", "jpeg", "webp"] as const) {
      const { header } = await made(lying, { format, maxSide: 30 });
      expect(header).toMatchObject({ width: 15, height: 30 });
      expect([header.orientation, header.exif]).toEqual([undefined, undefined]);
    }
  });

  it("is as long as wanted at most, and never longer than it was", async () => {
    const bytes = await plain().png().toBuffer();
    expect((await made(bytes, { format: "png", maxSide: 8 })).header).toMatchObject({
      width: 8,
      height: 4,
    });
    expect((await made(bytes, { format: "png", maxSide: 8_000 })).header).toMatchObject({
      width: 40,
    });
  });

  it("keeps its depth as PNG", async () => {
    const deep = await plain().toColourspace("rgb16").png().toBuffer();
    expect((await made(deep, { format: "png", maxSide: 10 })).header.depth).toBe("ushort");
  });

  it("for print becomes one for the screen", async () => {
    const print = await plain().toColourspace("cmyk").withIccProfile("cmyk").jpeg().toBuffer();
    const { header } = await made(print, { format: "png" });
    expect(header).toMatchObject({ space: "srgb", channels: 3 });
    expect(header.icc).toBeUndefined();
  });

  it("is the first frame of an animation, and says so", async () => {
    const frames = await Promise.all(
      ["red", "green", "blue"].map((background) =>
        sharp({ create: { width: 10, height: 10, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const moving = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const { header, notes } = await made(moving, { format: "webp" });
    expect(header).toMatchObject({ width: 10, height: 10 });
    expect(notes).toEqual(["Of cat the first of 3 frames was converted."]);
  });

  it("is refused where it is damaged, none, or larger than its format", async () => {
    const noise = { type: "gaussian" as const, mean: 128, sigma: 50 };
    const whole = await sharp({
      create: { width: 64, height: 64, channels: 3, background: RED, noise },
    })
      .png()
      .toBuffer();
    const refusal = { code: "invalid_input", next: expect.stringContaining("as it is") };
    for (const bytes of [
      whole.subarray(0, whole.length / 2),
      Buffer.from("text"),
      Buffer.alloc(0),
    ]) {
      await expect(made(bytes, { format: "jpeg" })).rejects.toMatchObject(refusal);
    }
    const long = await plain(20_000, 2).png().toBuffer();
    await expect(made(long, { format: "webp" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("16383"),
      next: expect.stringContaining("`max_side`"),
    });
    expect((await made(long, { format: "webp", maxSide: 16_383 })).header.width).toBe(16_383);
  });

  it("that the disk does not take is a matter of storage", async () => {
    const bytes = await plain().png().toBuffer();
    for (const format of ["png", "jpeg", "webp"] as const) {
      await expect(convert(bytes, { format }, "cat", "/dev/full")).rejects.toMatchObject({
        code: "storage",
      });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

it("endings of any case say what is wanted, and others nothing", () => {
  expect(["png", "JPG", "jpeg", "WebP"].map(formatOf)).toEqual(["png", "jpeg", "jpeg", "webp"]);
  expect(["gif", "", "svg", "json"].map(formatOf)).toEqual(Array(4).fill(undefined));
});
