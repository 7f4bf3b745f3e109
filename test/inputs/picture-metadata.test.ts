import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { checkPicture } from "../../src/inputs/checked-picture.ts";
import { turnedUpright } from "../../src/inputs/turning.ts";
import { ODD_PICTURES } from "../support/odd-pictures.ts";

const GPS = {
  IFD3: {
    GPSLatitudeRef: "N",
    GPSLatitude: "48/1 8/1 0/1",
    GPSLongitudeRef: "E",
    GPSLongitude: "11/1 34/1 0/1",
  },
};
const xmp = (inside: string, attributes = "") =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:d="http://www.dji.com/drone-dji/1.0/" ${attributes}>${inside}</rdf:Description></rdf:RDF></x:xmpmeta>`;

const scene = async () => sharp(await ODD_PICTURES["png"]?.());
const pixels = async (bytes: Buffer) =>
  sharp(bytes, { pages: -1 }).raw().toBuffer({ resolveWithObject: true });

async function expectCleaned(bytes: Buffer, hidden: string | Buffer) {
  const checked = await checkPicture(bytes, "it");
  expect(checked.notes).toEqual(["it was sent changed: its location was removed."]);
  expect(checked.bytes.includes(hidden)).toBe(false);
  // Pixels, frames, depth and profile are the very same.
  const [before, after] = [await pixels(bytes), await pixels(checked.bytes)];
  expect(after.data.equals(before.data)).toBe(true);
  const of = async (one: Buffer) => {
    const { width, height, depth, space, pages, delay, hasAlpha, icc } = await sharp(one, {
      pages: -1,
    }).metadata();
    return { width, height, depth, space, pages, delay, hasAlpha, icc: icc?.length };
  };
  expect(await of(checked.bytes)).toEqual(await of(bytes));
  // And a second look finds nothing more to do.
  expect((await checkPicture(checked.bytes, "it")).notes).toEqual([]);
}

describe("a real place is taken out, and nothing else changes", () => {
  it.each(["jpeg", "png", "webp", "avif"] as const)("from the EXIF of a %s", async (format) => {
    const bytes = await (await scene()).withExif(GPS).keepIccProfile().toFormat(format).toBuffer();
    // 48/1 8/1 as fractions.
    const degrees = Buffer.from([48, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0]);
    expect(bytes.includes(degrees)).toBe(true);
    await expectCleaned(bytes, degrees);
  });

  it.each([
    ["jpeg", xmp("", 'exif:GPSLatitude="48,8.0N"')],
    ["png", xmp("<exif:GPSLatitude>48,8.0N</exif:GPSLatitude>")],
    ["webp", xmp("<photoshop:City>48,8.0N</photoshop:City>")],
    ["tiff", xmp("", 'd:GpsLatitude="48,8.0N"')],
    [
      "avif",
      xmp(
        "<Iptc4xmpExt:LocationCreated><rdf:Bag><rdf:li><Iptc4xmpExt:City>48,8.0N</Iptc4xmpExt:City></rdf:li></rdf:Bag></Iptc4xmpExt:LocationCreated>",
      ),
    ],
  ] as const)("from the XMP of a %s", async (format, description) => {
    await expectCleaned(
      await (await scene()).withXmp(description).toFormat(format).toBuffer(),
      "48,8.0N",
    );
  });

  it("from the directory of a TIFF", async () => {
    const tiff = withGps(
      await (await scene()).keepIccProfile().tiff({ compression: "lzw" }).toBuffer(),
    );
    const degrees = Buffer.from([48, 0, 0, 0, 1, 0, 0, 0]);
    expect(tiff.includes(degrees)).toBe(true);
    await expectCleaned(tiff, degrees);
  });

  it("from an animation, whose frames and times stay", async () => {
    const animated = await sharp(await ODD_PICTURES["animated webp"]?.(), { animated: true })
      .withExif(GPS)
      .webp({ delay: [90, 80, 70, 60] })
      .toBuffer();
    expect((await sharp(animated).metadata()).pages).toBe(4);
    await expectCleaned(animated, "GPS-is-binary-so-any-word-will-do");
  });

  it("from a PNG of 16 bits with transparency", async () => {
    const bytes = await sharp(await ODD_PICTURES["png with transparency"]?.())
      .toColourspace("rgb16")
      .withExif(GPS)
      .png()
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe("ushort");
    await expectCleaned(bytes, "eXIf");
  });

  it("from the IPTC of a JPEG", async () => {
    await expectCleaned(withIptc(await (await scene()).jpeg().toBuffer(), 90, "Munich"), "Munich");
  });

  it("from packed XMP in a PNG", async () => {
    const packed = deflateSync(xmp("", 'exif:GPSLatitude="48,8N"'));
    const data = Buffer.concat([Buffer.from("XML:com.adobe.xmp\0\x01\0\0\0"), packed]);
    await expectCleaned(withChunk(await (await scene()).png().toBuffer(), "iTXt", data), packed);
  });
});

describe("what is no place changes nothing", () => {
  it.each([
    [
      "a word in a caption",
      xmp("<dc:description>GPS location: the city of Rome, a country</dc:description>"),
    ],
    ["an empty field", xmp("<photoshop:City> </photoshop:City>", 'exif:GPSLatitude=""')],
    ["fields about time", xmp("", 'exif:GPSTimeStamp="2026-01-01" exif:GPSVersionID="2.3.0.0"')],
    [
      "an empty list of places",
      xmp("<Iptc4xmpExt:LocationShown><rdf:Bag/></Iptc4xmpExt:LocationShown>"),
    ],
    ["no XML at all", "GPS location city country"],
  ])("in XMP: %s", async (_, description) => {
    const bytes = await (await scene()).withXmp(description).jpeg().toBuffer();
    expect((await checkPicture(bytes, "it")).bytes).toBe(bytes);
  });

  it("in XMP: more than can be read", async () => {
    const bytes = await (await scene()).withXmp("<&".repeat(1_000_000)).webp().toBuffer();
    expect((await checkPicture(bytes, "it")).bytes).toBe(bytes);
  });

  it("in EXIF: a directory for a place that holds none", async () => {
    const bytes = await (await scene())
      .withExif({ IFD3: { GPSMapDatum: "WGS-84", GPSLatitude: "0/0 0/0 0/0" } })
      .jpeg()
      .toBuffer();
    expect((await checkPicture(bytes, "it")).bytes).toBe(bytes);
  });

  it("in IPTC: a caption about a city", async () => {
    const bytes = withIptc(await (await scene()).jpeg().toBuffer(), 120, "The city, by GPS");
    expect((await checkPicture(bytes, "it")).bytes).toBe(bytes);
  });
});

describe("a picture that lies on its side is turned, and keeps", () => {
  const lying = async (name: string) =>
    sharp(await ODD_PICTURES[name]?.(), { animated: true }).withMetadata({ orientation: 6 });

  it.each([
    ["16 bits and its profile", "png of 16 bits", "rgb16", "png"],
    ["grey of 16 bits", "png in grey of 16 bits", "grey16", "png"],
    ["transparency", "png with transparency", "srgb", "png"],
    ["16 bits in a TIFF", "tiff of 16 bits", "rgb16", "tiff"],
    ["grey", "jpeg in grey", "b-w", "jpeg"],
  ] as const)("%s", async (_, name, space, format) => {
    const bytes = await (await lying(name)).toColourspace(space).toFormat(format).toBuffer();
    const before = await sharp(bytes).metadata();
    const checked = await checkPicture(bytes, "it");
    expect(checked.notes).toEqual(["it was sent changed: turned upright."]);
    const after = await sharp(checked.bytes).metadata();
    expect(after).toMatchObject({
      width: before.height,
      height: before.width,
      space: before.space,
      depth: before.depth,
      channels: before.channels,
      hasAlpha: before.hasAlpha,
    });
    expect(after.icc).toEqual(before.icc);
    expect(after.orientation ?? 1).toBe(1);
  });

  it.each(
    [2, 3, 4, 5, 6, 7, 8].flatMap((orientation) =>
      [1, 3, 4].map((strips) => [orientation, strips] as const),
    ),
  )("its shape: a JPEG of orientation %i in strips of 1/%i", async (orientation, strips) => {
    const corners = Buffer.from([
      200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9, 200, 200, 0, 0, 200, 200,
    ]);
    const bytes = await sharp(corners, { raw: { width: 3, height: 2, channels: 3 } })
      .resize({ width: 104, height: 72, kernel: "nearest" })
      .withMetadata({ orientation })
      .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
      .toBuffer();
    const header = await sharp(bytes).metadata();
    const upright = await turnedUpright(bytes, header, "jpeg", Math.ceil((104 * 72) / strips));
    const [is, shouldBe] = [
      await pixels(upright),
      await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true }),
    ];
    expect([is.info.width, is.info.height]).toEqual([shouldBe.info.width, shouldBe.info.height]);
    const apart = is.data.map((value, at) => Math.abs(value - (shouldBe.data[at] ?? 0)));
    expect(apart.reduce((sum, one) => sum + one, 0) / apart.length).toBeLessThan(5);
    expect((await sharp(upright).metadata()).icc).toEqual(header.icc);
  });

  it("CMYK", async () => {
    const bytes = withOrientation(await ODD_PICTURES["jpeg in CMYK"]?.());
    const checked = await checkPicture(bytes, "it");
    expect(await sharp(checked.bytes).metadata()).toMatchObject({
      space: "cmyk",
      width: 32,
      height: 48,
    });
  });

  it.each([
    ["animated webp", "webp"],
    ["tiff of several pages", "tiff"],
  ] as const)("all frames: %s", async (name, format) => {
    const frames = [1, 2, 3].map((shade) => ({
      create: {
        width: 6,
        height: 4,
        channels: 3 as const,
        background: { r: shade * 60, g: 0, b: 200 },
      },
    }));
    const pictures = await Promise.all(frames.map((one) => sharp(one).png().toBuffer()));
    const bytes = await sharp(pictures, { join: { animated: true } })
      .withMetadata({ orientation: 6 })
      .toFormat(
        format,
        format === "webp"
          ? { delay: [50, 60, 70], loop: 3, lossless: true }
          : { compression: "lzw" },
      )
      .toBuffer();
    const before = await sharp(bytes).metadata();
    expect(before, name).toMatchObject({ pages: 3, orientation: 6 });
    const checked = await checkPicture(bytes, "it");
    const after = await sharp(checked.bytes, { pages: -1 }).metadata();
    expect(after).toMatchObject({ pages: 3, pageHeight: 6, width: 4 });
    expect(after.delay).toEqual(before.delay);
    expect(after.loop).toEqual(before.loop);
    const { data, info } = await pixels(checked.bytes);
    const reds = [0, 1, 2].map((frame) => data[frame * 24 * info.channels]);
    expect(reds).toEqual([60, 120, 180]);
  });
});

/** The JPEG with one IPTC record, as photo editors write it. */
function withIptc(jpeg: Buffer, field: number, value: string): Buffer {
  const record = Buffer.concat([
    Buffer.from([0x1c, 2, field, 0, value.length]),
    Buffer.from(value),
  ]);
  const even = record.length % 2 === 0 ? record : Buffer.concat([record, Buffer.alloc(1)]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(record.length);
  const resource = Buffer.concat([Buffer.from("8BIM\x04\x04\0\0", "latin1"), size, even]);
  return withSegment(jpeg, 0xed, Buffer.concat([Buffer.from("Photoshop 3.0\0"), resource]));
}

/** The JPEG with an EXIF block that says it lies on its right side. */
function withOrientation(jpeg: Buffer | undefined): Buffer {
  const exif = Buffer.from(
    "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    "latin1",
  );
  return withSegment(jpeg ?? Buffer.alloc(0), 0xe1, exif);
}

function withSegment(jpeg: Buffer, marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}

/** The TIFF with a directory of its own for coordinates; made for little-endian files. */
function withGps(tiff: Buffer): Buffer {
  const at = tiff.readUInt32LE(4);
  const count = tiff.readUInt16LE(at);
  const entries = Array.from({ length: count }, (_, i) =>
    tiff.subarray(at + 2 + i * 12, at + 14 + i * 12),
  );
  const entry = (tag: number, type: number, size: number, value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.writeUInt32LE(size, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  const main = tiff.length + (tiff.length % 2);
  const gps = main + 2 + (count + 1) * 12 + 4;
  const fraction = gps + 2 + 12 + 4;
  const all = [...entries, entry(0x8825, 4, 1, gps)].sort(
    (a, b) => a.readUInt16LE(0) - b.readUInt16LE(0),
  );
  const number = (value: number) => Buffer.from([value & 0xff, value >> 8]);
  return Buffer.concat([
    tiff.subarray(0, 4),
    Buffer.from(new Uint32Array([main]).buffer),
    tiff.subarray(8),
    Buffer.alloc(tiff.length % 2),
    number(all.length),
    ...all,
    Buffer.alloc(4),
    number(1),
    entry(2, 5, 1, fraction),
    Buffer.alloc(4),
    Buffer.from([48, 0, 0, 0, 1, 0, 0, 0]),
  ]);
}

/** The PNG with one more chunk behind its header. */
function withChunk(png: Buffer, name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([png.subarray(0, 33), size, body, sum, png.subarray(33)]);
}
