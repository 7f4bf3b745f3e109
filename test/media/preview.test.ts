import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import {
  fullPreview,
  makePreview,
  PREVIEW_BUDGET_BASE64,
  pictureFacts,
} from "../../src/media/preview.ts";
import { picture } from "../support/pictures.ts";
import { tempDir } from "../support/temp-dir.ts";

let folder: string;

beforeEach(async () => {
  folder = await tempDir();
});

async function fileOf(bytes: Buffer | string): Promise<string> {
  const path = join(folder, "a.bin");
  await writeFile(path, bytes);
  return path;
}

/** A picture that does not compress. */
async function noise(width: number, height: number, channels: 3 | 4 = 3): Promise<Buffer> {
  let state = 12_345;
  const raw = Buffer.alloc(width * height * channels);
  for (let i = 0; i < raw.length; i++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    raw[i] = state >> 16;
  }
  return sharp(raw, { raw: { width, height, channels } }).png({ compressionLevel: 1 }).toBuffer();
}

async function previewOf(bytes: Buffer | string, maxBase64 = PREVIEW_BUDGET_BASE64) {
  const preview = await makePreview(await fileOf(bytes), maxBase64);
  if (!preview) return expect.fail("there is no preview");
  const { width, height, format } = await sharp(preview.data).metadata();
  return { ...preview, width, height, format, base64: preview.data.toString("base64").length };
}

describe("a preview", () => {
  it.each([
    [2_000, 1_000, 1_024, 512],
    [1_000, 2_000, 512, 1_024],
    [1_024, 1_024, 1_024, 1_024],
    [40, 30, 40, 30],
  ])("of %i×%i is %i×%i", async (width, height, smallWidth, smallHeight) => {
    const preview = await previewOf(await picture("png", { width, height }));
    expect(preview).toMatchObject({ width: smallWidth, height: smallHeight });
  });

  it("is a JPEG, and a PNG where something is transparent", async () => {
    expect(await previewOf(await picture("png"))).toMatchObject({
      mimeType: "image/jpeg",
      format: "jpeg",
    });
    const transparent = await previewOf(await picture("png", { alpha: true }));
    expect(transparent).toMatchObject({ mimeType: "image/png", format: "png" });
    expect((await sharp(transparent.data).metadata()).hasAlpha).toBe(true);
  });

  it("is a JPEG where an alpha channel hides nothing", async () => {
    const opaque = await sharp(await picture("png"))
      .ensureAlpha(1)
      .png()
      .toBuffer();
    expect((await sharp(opaque).metadata()).hasAlpha).toBe(true);
    expect(await previewOf(opaque)).toMatchObject({ mimeType: "image/jpeg", format: "jpeg" });
  });

  it.each([PREVIEW_BUDGET_BASE64, 90_000, 30_000])(
    "with transparency that does not compress keeps to %i characters",
    async (maxBase64) => {
      const preview = await previewOf(await noise(1_100, 900, 4), maxBase64);
      expect(preview.format).toBe("png");
      expect(preview.base64).toBeLessThanOrEqual(maxBase64);
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("of EXIF orientation %i is upright", async (orientation) => {
    const corners = Buffer.from([
      255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 255, 255, 0, 0, 255, 255,
    ]);
    const lying = await sharp(corners, { raw: { width: 3, height: 2, channels: 3 } })
      .resize({ width: 60, height: 40, kernel: "nearest" })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const expected = await sharp(lying).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const preview = await previewOf(lying);
    expect(preview).toMatchObject({ width: expected.info.width, height: expected.info.height });
    const shown = await sharp(preview.data).raw().toBuffer();
    const at = (10 * expected.info.width + 10) * 3;
    for (const offset of [at, shown.length - 3 - at]) {
      for (const channel of [0, 1, 2]) {
        const differs = (shown[offset + channel] ?? 0) - (expected.data[offset + channel] ?? 0);
        expect(Math.abs(differs)).toBeLessThan(40);
      }
    }
  });

  it.each(["png", "jpeg", "webp", "gif"] as const)("is made of a %s", async (format) => {
    expect((await previewOf(await picture(format))).width).toBe(40);
  });

  it("stands the right way up", async () => {
    const lying = await sharp(await picture("jpeg", { width: 60, height: 20 }))
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect(await previewOf(lying)).toMatchObject({ width: 20, height: 60 });
  });

  it.each([90_000, 30_000, 6_000])(
    "of a picture that does not compress keeps to %i characters",
    async (maxBase64) => {
      const preview = await previewOf(await noise(500, 400), maxBase64);
      expect(preview.base64).toBeLessThanOrEqual(maxBase64);
    },
  );

  it("is left out rather than too large", async () => {
    expect(await makePreview(await fileOf(await noise(300, 300)), 500)).toBeUndefined();
  });

  it.each([
    ["text", "this is no picture"],
    ["nothing", ""],
    ["half a picture", "half"],
    ["a header that promises too much", "bomb"],
  ])("of %s is none", async (_what, content) => {
    const whole = await noise(200, 200);
    const bomb = Buffer.from(await picture("png"));
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const bytes =
      content === "half" ? whole.subarray(0, 2_000) : content === "bomb" ? bomb : content;
    expect(await makePreview(await fileOf(bytes), PREVIEW_BUDGET_BASE64)).toBeUndefined();
  });

  it("of a file that is gone is none", async () => {
    expect(await makePreview(join(folder, "none.png"), PREVIEW_BUDGET_BASE64)).toBeUndefined();
  });
});

describe("the file itself as a preview", () => {
  it("is given where it fits, to the character", async () => {
    const bytes = await picture();
    const base64 = bytes.toString("base64").length;
    const places = { allowedDirs: [], workingDir: folder, homeDir: folder };
    const store = new DiskStore({ ...places, outputDir: folder, homeOwner: "local" });
    const medium = { owner: "local", ref: await fileOf(bytes), mimeType: "image/png" };
    expect(await fullPreview(store, medium, base64)).toEqual({
      data: bytes,
      mimeType: "image/png",
    });
    expect(await fullPreview(store, medium, base64 - 1)).toBeUndefined();
    const gone = { ...medium, ref: join(folder, "none.png") };
    expect(await fullPreview(store, gone, base64)).toBeUndefined();
  });
});

describe("facts about a picture", () => {
  it("are the pixels of the file, turned as it is stored", async () => {
    expect(
      await pictureFacts(await fileOf(await picture("webp", { width: 64, height: 48 }))),
    ).toEqual({
      width: 64,
      height: 48,
    });
  });

  it("are unknown for what is no picture", async () => {
    expect(await pictureFacts(await fileOf("nothing"))).toBeUndefined();
  });
});
