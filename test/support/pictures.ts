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
