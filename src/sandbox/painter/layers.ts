import { LAYER_COUNT, type Size } from "../contract/commission.ts";

const DETAILS = LAYER_COUNT - 1;

/** The background is worked out at this fraction of the size. */
const SHRUNK = 5;
const MEDIAN_WINDOW = 13;

/** Differences up to this many of 256 steps are left out of the details. */
const INVISIBLE = 5;

/**
 * One layer of a picture, counted from 0 at the bottom, as PNG with alpha. The background is
 * opaque; laid over it in order, the others give the picture again, but for invisible differences.
 */
export async function layer(picture: Buffer, index: number): Promise<Buffer> {
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(picture)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const size: Size = { width: info.width, height: info.height };
  const backdrop = await cleared(data, size);
  const pixels = Buffer.alloc(size.width * size.height * 4);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const distance = Math.hypot(x / size.width - 0.5, y / size.height - 0.46);
      writePixel({ data, backdrop, pixels }, y * size.width + x, index, distance);
    }
  }
  return await sharp(pixels, { raw: { ...size, channels: 4 } })
    .png({ compressionLevel: 4 })
    .toBuffer();
}

/** The picture without anything small in it, lettering above all, as raw pixels. */
async function cleared(data: Buffer, size: Size): Promise<Buffer> {
  const { default: sharp } = await import("sharp");
  // The median wants a picture that is larger than its window.
  const shrunk = (length: number) => Math.max(Math.round(length / SHRUNK), MEDIAN_WINDOW + 1);
  const [width, height] = [shrunk(size.width), shrunk(size.height)];
  // Nearest, because averages of letters and ground would outweigh the ground in the median.
  const small = await sharp(data, { raw: { ...size, channels: 3 } })
    .resize({ width, height, fit: "fill", kernel: "nearest" })
    .median(MEDIAN_WINDOW)
    .raw()
    .toBuffer();
  return await sharp(small, { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer();
}

interface Canvas {
  /** The picture, three bytes a pixel. */
  data: Buffer;
  /** What {@link cleared} made of it. */
  backdrop: Buffer;
  /** The layer, four bytes a pixel. */
  pixels: Buffer;
}

/**
 * Works out what the layers below give at one pixel, then writes the asked layer's share. Shapes
 * and subject carry the picture's own colours without its lettering; the details carry, as
 * transparent as can be, the colour that turns what lies below into the picture.
 */
function writePixel(canvas: Canvas, at: number, index: number, distance: number): void {
  const { data, backdrop, pixels } = canvas;
  const from = at * 3;
  const to = at * 4;
  if (index === 0) {
    for (let channel = 0; channel < 3; channel++)
      pixels[to + channel] = backdrop[from + channel] ?? 0;
    pixels[to + 3] = 255;
    return;
  }
  const light = lightness(backdrop, from);
  const lettered = Math.round(255 * ramp(lightness(data, from) - light, 0.05, 0.15));
  const shapes = Math.round(255 * (1 - ramp(light, 0.3, 0.42)));
  const subject = Math.round(255 * (1 - ramp(distance, 0.2, 0.27)));
  let details = 0;
  for (let channel = 0; channel < 3; channel++) {
    const wanted = data[from + channel] ?? 0;
    const ground = backdrop[from + channel] ?? 0;
    const own = over(ground, wanted, lettered);
    const below = over(own, over(own, ground, shapes), subject);
    pixels[to + channel] = index < DETAILS ? own : below;
    details = Math.max(details, leastAlpha(wanted, below));
  }
  if (index < DETAILS) {
    const alpha = index === 1 ? shapes : subject;
    // One colour wherever nothing shows, for a smaller file.
    if (alpha === 0) pixels.fill(0, to, to + 3);
    pixels[to + 3] = alpha;
    return;
  }
  pixels[to + 3] = details;
  const share = details / 255;
  for (let channel = 0; channel < 3; channel++) {
    const below = pixels[to + channel] ?? 0;
    const solved = details === 0 ? 0 : ((data[from + channel] ?? 0) - (1 - share) * below) / share;
    pixels[to + channel] = Math.min(255, Math.max(0, Math.round(solved)));
  }
}

function over(top: number, bottom: number, alpha: number): number {
  return Math.round((top * alpha + bottom * (255 - alpha)) / 255);
}

/** The lowest opacity with which some colour turns `below` into `wanted`. */
function leastAlpha(wanted: number, below: number): number {
  const change = wanted - below;
  if (Math.abs(change) <= INVISIBLE) return 0;
  return Math.ceil((255 * Math.abs(change)) / (change > 0 ? 255 - below : below));
}

function lightness(data: Buffer, at: number): number {
  const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
  return (red * 0.299 + green * 0.587 + blue * 0.114) / 255;
}

/** 0 up to `low`, 1 from `high` on, smooth between. */
function ramp(value: number, low: number, high: number): number {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return share * share * (3 - 2 * share);
}
