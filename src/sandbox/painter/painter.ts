import type { Sharp } from "sharp";
import { Lettering } from "../../core/lettering.ts";
import type { Commission, Size } from "../contract/commission.ts";
import type { Input } from "../input-loader.ts";
import { layer } from "./layers.ts";
import { overlay } from "./overlay.ts";
import { chooseScene, mix } from "./palettes.ts";
import { hashOf } from "./random.ts";
import { scene } from "./scene.ts";
import { trainingConfig, weights } from "./weights.ts";

/** An edit keeps its input's size up to this many pixels on the long side. */
const LONGEST_EDIT = 4096;
const LONGEST_LAYER = 1024;
const LONGEST_FAST_LAYER = 512;
const SYNC_EDIT_PIXELS = 1024 * 1024;

/** How large a picture comes out. */
export function outputSize(commission: Commission, inputs: readonly Input[]): Size {
  if (commission.size) return commission.size;
  const [first = { width: 1024, height: 1024 }] = inputs;
  if (commission.output === "layers")
    return fitWithin(first, commission.fast ? LONGEST_FAST_LAYER : LONGEST_LAYER);
  return commission.aboutOneMegapixel ? megapixel(first) : fitWithin(first, LONGEST_EDIT);
}

/** The same shape with at most `longest` pixels on its long side. */
function fitWithin({ width, height }: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** The same shape with about a million pixels, in steps of 16. */
function megapixel({ width, height }: Size): Size {
  const scale = Math.sqrt(SYNC_EDIT_PIXELS / (width * height));
  const step = (side: number) => Math.min(4096, Math.max(64, Math.round((side * scale) / 16) * 16));
  return { width: step(width), height: step(height) };
}

/** Makes the files of finished jobs: the same bytes for the same commission, whenever asked. */
export class Painter {
  #lettering: Promise<Lettering> | undefined;

  /** File `index` of a job, counted from 0. */
  async render(commission: Commission, index: number, inputs: readonly Input[]): Promise<Buffer> {
    if (commission.output === "weights")
      return index === 0 ? weights(commission.seed) : trainingConfig(commission);
    const size = outputSize(commission, inputs);
    const [first] = inputs;
    if (commission.output === "layers" && first)
      return await layer(await this.#pictureOf(first, size), index);
    const picture = first
      ? await this.#edited(commission, index, inputs, size)
      : await this.#drawn(commission, index, size);
    return await encode(picture, commission.format);
  }

  async #drawn(commission: Commission, index: number, size: Size): Promise<Sharp> {
    const { prompt, seed } = commission;
    const background = scene({ prompt, seed, index }, size);
    return await rasterize(
      background + (await this.#inscribe(commission, index, size, false)),
      size,
    );
  }

  async #edited(
    commission: Commission,
    index: number,
    inputs: readonly Input[],
    size: Size,
  ): Promise<Sharp> {
    const { prompt, seed } = commission;
    const base = await this.#collage(inputs, size);
    const { palette } = chooseScene(prompt, seed, index);
    const [top, middle, low] = palette.sky;
    const wash = washOver([top, middle, mix(low, palette.accent, 0.4)]);
    const hue = 40 + ((hashOf(`${seed}|hue`) + index * 83) % 280);
    const recoloured = await (await sharpOf(base))
      .modulate({ hue, saturation: 1.1 })
      .png(QUICK)
      .toBuffer();
    const inscription = await this.#inscribe(commission, index, size, true);
    const thumbnail = await thumbnailOf(base, size);
    return (await sharpOf(recoloured)).composite([
      { input: svg(wash + thumbnail.frame + inscription, size), left: 0, top: 0 },
      { input: thumbnail.bytes, left: thumbnail.left, top: thumbnail.top },
    ]);
  }

  /** The inputs side by side, filling the picture; as PNG. */
  async #collage(inputs: readonly Input[], size: Size): Promise<Buffer> {
    const [only] = inputs;
    if (inputs.length === 1 && only) return await this.#pictureOf(only, size);
    const columns = Math.ceil(Math.sqrt((inputs.length * size.width) / size.height));
    const rows = Math.ceil(inputs.length / columns);
    const tiles = inputs.map(async (input, n) => {
      const row = Math.floor(n / columns);
      const inRow = row === rows - 1 ? inputs.length - row * columns : columns;
      const left = Math.round(((n % columns) * size.width) / inRow);
      const right = Math.round((((n % columns) + 1) * size.width) / inRow);
      const top = Math.round((row * size.height) / rows);
      const bottom = Math.round(((row + 1) * size.height) / rows);
      const cell = { width: right - left, height: bottom - top };
      return { input: await this.#pictureOf(input, cell), left, top };
    });
    const { default: sharp } = await import("sharp");
    return await sharp({ create: { ...size, channels: 3, background: "#0b1020" } })
      .composite(await Promise.all(tiles))
      .png(QUICK)
      .toBuffer();
  }

  /** One input filling `size`; a drawn stand-in where it lies on the network. As PNG. */
  async #pictureOf(input: Input, size: Size): Promise<Buffer> {
    if (input.kind === "picture") {
      const { default: sharp } = await import("sharp");
      return await sharp(input.bytes)
        .resize({ ...size, fit: "cover" })
        .png(QUICK)
        .toBuffer();
    }
    const subject = { prompt: "", seed: input.url, index: 0 };
    const lettering = await this.#letters();
    const label = overlay(
      lettering,
      {
        title: "input",
        place: undefined,
        caption: `Input from ${input.host} (the sandbox does not download)`,
        watermark: false,
        accent: "#8ecae6",
        dense: false,
      },
      size,
    );
    return await (await rasterize(scene(subject, size) + label, size)).png(QUICK).toBuffer();
  }

  async #inscribe(
    commission: Commission,
    index: number,
    size: Size,
    dense: boolean,
  ): Promise<string> {
    const { title, prompt, count, watermark, seed } = commission;
    const { palette } = chooseScene(prompt, seed, index);
    const place = count > 1 ? `${index + 1}/${count}` : undefined;
    return overlay(
      await this.#letters(),
      { title, place, caption: prompt, watermark, accent: palette.accent, dense },
      size,
    );
  }

  #letters(): Promise<Lettering> {
    this.#lettering ??= Lettering.load();
    return this.#lettering;
  }
}

/** For pictures that are only passed on: speed before size. */
const QUICK = { compressionLevel: 1 } as const;

function svg(inside: string, { width, height }: Size): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${inside}</svg>`,
  );
}

async function rasterize(inside: string, size: Size): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(svg(inside, size)).flatten({ background: "#0b1020" });
}

/** A veil of three colours, dark at top and bottom, where the input may have lettering. */
function washOver([first, second, third]: readonly [string, string, string]): string {
  const stop = (offset: number, colour: string, opacity = 1) =>
    `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`;
  const veil = stop(0, first) + stop(0.5, second) + stop(1, third);
  const dark = "#0b1020";
  const shade =
    stop(0, dark, 0.75) + stop(0.16, dark, 0) + stop(0.5, dark, 0) + stop(0.72, dark, 0.8);
  return (
    `<defs><linearGradient id="veil" x1="0" y1="0" x2="1" y2="1">${veil}</linearGradient>` +
    `<linearGradient id="shade" x1="0" y1="0" x2="0" y2="1">${shade}</linearGradient></defs>` +
    `<rect width="100%" height="100%" fill="url(#veil)" fill-opacity="0.34"/>` +
    `<rect width="100%" height="100%" fill="url(#shade)"/>`
  );
}

async function sharpOf(bytes: Buffer): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(bytes);
}

async function thumbnailOf(base: Buffer, size: Size) {
  const unit = Math.min(size.width, size.height);
  const scale = (unit * 0.3) / Math.max(size.width, size.height);
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  const left = Math.max(0, Math.round(size.width - width - unit * 0.035));
  const top = Math.min(size.height - height, Math.round(unit * 0.115));
  const border = unit * 0.006;
  const frame = `<rect x="${left - border}" y="${top - border}" width="${width + 2 * border}" height="${height + 2 * border}" rx="${border}" fill="#ffffff"/>`;
  const bytes = await (await sharpOf(base))
    .resize({ width, height, fit: "fill" })
    .png(QUICK)
    .toBuffer();
  return { bytes, left, top, frame };
}

async function encode(picture: Sharp, format: Commission["format"]): Promise<Buffer> {
  if (format === "jpeg") return await picture.flatten().jpeg({ quality: 88 }).toBuffer();
  if (format === "webp") return await picture.webp({ quality: 86, effort: 2 }).toBuffer();
  return await picture.png({ compressionLevel: 4 }).toBuffer();
}
