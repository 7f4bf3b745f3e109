import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { checkPicture, shrinkPicture } from "../../src/inputs/checked-picture.ts";

/** Half red, half blue, so that a turn is seen. */
async function twoHalves(width = 40, height = 20) {
  const half = { width: width / 2, height };
  return sharp({ create: { width, height, channels: 3, background: "#ff0000" } }).composite([
    { input: { create: { ...half, channels: 3, background: "#0000ff" } }, left: 0, top: 0 },
  ]);
}

const PLACE = { IFD3: { GPSLatitudeRef: "N", GPSLatitude: "48/1 8/1 0/1" } };

describe("a picture that needs nothing", () => {
  it.each(["png", "jpeg", "webp", "gif", "tiff", "avif"] as const)(
    "is passed on byte for byte: %s",
    async (format) => {
      const bytes = await (await twoHalves()).toFormat(format).toBuffer();
      const checked = await checkPicture(bytes, "it");
      expect(checked.bytes).toBe(bytes);
      expect(checked.mimeType).toBe(`image/${format}`);
      expect(checked.notes).toEqual([]);
    },
  );

  it("even with metadata that tells nothing about a place", async () => {
    const bytes = await (await twoHalves())
      .withExif({ IFD0: { Copyright: "Somebody" } })
      .jpeg()
      .toBuffer();
    expect((await checkPicture(bytes, "it")).bytes).toBe(bytes);
  });
});

describe("before a picture leaves the machine", () => {
  it.each(["jpeg", "webp", "png"] as const)("its location is removed: %s", async (format) => {
    const bytes = await (await twoHalves()).withExif(PLACE).toFormat(format).toBuffer();
    expect((await sharp(bytes).metadata()).exif).toBeDefined();
    const checked = await checkPicture(bytes, "holiday");
    const after = await sharp(checked.bytes).metadata();
    expect(after.exif).toBeUndefined();
    expect(after).toMatchObject({ format, width: 40, height: 20 });
    expect(checked.notes).toEqual(["holiday was sent changed: its location was removed."]);
  });

  it("it is turned upright", async () => {
    const bytes = await (await twoHalves())
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 })
      .toBuffer();
    const checked = await checkPicture(bytes, "it");
    expect(await sharp(checked.bytes).metadata()).toMatchObject({ width: 20, height: 40 });
    const [red = 0, , blue = 0] = await sharp(checked.bytes)
      .extract({ left: 5, top: 2, width: 1, height: 1 })
      .raw()
      .toBuffer();
    expect(blue - red).toBeGreaterThan(150);
    expect(checked.notes[0]).toMatch(/turned upright/);
  });

  it("a place in XMP is removed as well", async () => {
    const xmp =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="48,8N"/></rdf:RDF></x:xmpmeta>';
    const bytes = await (await twoHalves()).withXmp(xmp).jpeg().toBuffer();
    const checked = await checkPicture(bytes, "it");
    expect(checked.bytes.includes("GPSLatitude")).toBe(false);
  });
});

describe("what is not a picture to be sent", () => {
  it.each([
    ["nothing", ""],
    ["text", "Once upon a time"],
    ["HTML", "<!doctype html><script>alert(1)</script>"],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
    ["PDF", "%PDF-1.7\n"],
    ["a head without a body", "\u0089PNG\r\n\u001a\n"],
  ])("is refused: %s", async (_, text) => {
    const refused = checkPicture(Buffer.from(text, "latin1"), "it");
    await expect(refused).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("a decompression bomb is refused by its header", async () => {
    // Were it decoded, it would be found damaged: it has not the data for so many pixels.
    await expect(checkPicture(bomb(60_000, 60_000), "it")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("60000×60000 pixels"),
    });
  });

  it("so is one of a kind that is not decoded here", async () => {
    const header = Buffer.alloc(54);
    header.write("BM");
    header.writeInt32LE(100_000, 18);
    header.writeInt32LE(-100_000, 22);
    await expect(checkPicture(header, "it")).rejects.toThrow("100000×100000");
  });
});

describe("a picture that is made smaller", () => {
  it("fits and says so; transparency is kept", async () => {
    const noise = Buffer.alloc(600 * 600 * 4);
    for (let at = 0, seed = 1; at < noise.length; at++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      noise[at] = seed >>> 24;
    }
    const raw = { width: 600, height: 600, channels: 4 } as const;
    const bytes = await sharp(noise, { raw }).png().toBuffer();
    const checked = await checkPicture(bytes, "it");
    const small = await shrinkPicture(checked, 700_000, "it");
    expect(small.bytes.length).toBeLessThanOrEqual(700_000);
    expect(await sharp(small.bytes).metadata()).toMatchObject({ format: "webp", hasAlpha: true });
    expect(small.notes).toEqual([expect.stringMatching(/^it was sent smaller: 600×600, /)]);
    await expect(shrinkPicture(checked, 10, "it")).rejects.toMatchObject({ code: "invalid_input" });
  });
});

/** A PNG whose header is honest about a size that its data, were it decoded, would have. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\u0089PNG\r\n\u001a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(1024 * 1024))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
