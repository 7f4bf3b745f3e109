import { randomBytes } from "node:crypto";
import sharp from "sharp";

/** A small real picture. */
export async function picture(
  format: "png" | "jpeg" | "webp" | "gif" = "png",
  { width = 40, height = 30, alpha = false } = {},
): Promise<Buffer> {
  const background = { r: 200, g: 90, b: 20, alpha: alpha ? 0.5 : 1 };
  return sharp({ create: { width, height, channels: alpha ? 4 : 3, background } })
    .toFormat(format)
    .toBuffer();
}

/** A picture that cannot be packed: some 3 bytes for each pixel, if nothing is left out. */
export async function noise(
  format: "png" | "jpeg" | "webp" | "tiff",
  { width = 700, height = 500 } = {},
): Promise<Buffer> {
  const raw = { width, height, channels: 3 } as const;
  const drawn = sharp(randomBytes(width * height * 3), { raw });
  return (format === "webp" ? drawn.webp({ lossless: true }) : drawn.toFormat(format)).toBuffer();
}

/** A JPEG that says so much of itself before it says how large it is. */
export async function talkativeJpeg(bytes: number): Promise<Buffer> {
  const plain = await noise("jpeg");
  const start = 2;
  const segments: Buffer[] = [];
  for (let said = 0; said < bytes; said += 60_000) {
    const head = Buffer.from([0xff, 0xe1, 0, 0]);
    head.writeUInt16BE(60_002, 2);
    segments.push(head, Buffer.alloc(60_000, "x"));
  }
  return Buffer.concat([plain.subarray(0, start), ...segments, plain.subarray(start)]);
}
