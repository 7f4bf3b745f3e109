import type { OverlayOptions } from "sharp";
import { MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { inked, type Lettering } from "../core/lettering.ts";
import {
  decoder,
  heldBytes,
  MAX_HELD_BYTES,
  type PictureHeader,
  type PictureSource,
  readHeader,
  whileDecoding,
} from "./decoder.ts";
import { type Cell, layOut, type SheetLayout, type Size } from "./sheet-layout.ts";
import { fromRaw, type Pixels, smallPixels } from "./small-pixels.ts";

const CHECK_PX = 10;
/** Neither white nor black, so that both are seen on them. */
const LIGHT = 184;
const DARK = 136;
const GROUND = "#202020";
const TAB = "#f4f4f4";
const INK = "#101010";
/** Where a picture cannot be shown. */
const BLANK = { ground: "#383838", stroke: "#707070" };
/** Of the height of a tab. */
const FONT_SHARE = 0.74;
const PADDING_SHARE = 0.3;
/** A picture that cannot be shown takes the place of a square one. */
const UNKNOWN_SIZE: Size = { width: 1, height: 1 };

/** A picture on a sheet. */
export interface SheetPicture {
  /** What stands on its tab. */
  label: string;
  /** Absent for one that is not there; its place stays empty. */
  source: PictureSource | undefined;
}

/**
 * Pictures side by side, in order, each with its number above it: as opaque PNG of at most 1,024 ×
 * 1,024 pixels. What is transparent lies on a checkerboard; what cannot be decoded is an empty place
 * with a number.
 */
export async function contactSheet(
  pictures: readonly SheetPicture[],
  lettering: Lettering,
): Promise<Buffer> {
  const headers = await Promise.all(pictures.map(({ source }) => headerOf(source)));
  const layout = layOut(headers.map((header) => (header ? upright(header) : UNKNOWN_SIZE)));
  const tiles: OverlayOptions[] = [];
  const blank: Cell[] = [];
  for (const [at, cell] of layout.cells.entries()) {
    const [source, header] = [pictures[at]?.source, headers[at]];
    const pixels = source && header ? await tile(source, header, cell) : undefined;
    if (pixels) {
      tiles.push({ input: pixels.data, raw: pixels.info, left: cell.left, top: cell.top });
    } else {
      blank.push(cell);
    }
  }
  const labels = pictures.map(({ label }) => label);
  const marks = blank.map(emptyPlace).join("") + tabs(layout, labels, lettering);
  return whileDecoding(layout, () => drawn(layout, tiles, marks));
}

async function drawn(
  { width, height }: Size,
  tiles: readonly OverlayOptions[],
  marks: string,
): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks}</svg>`;
  const sharp = await decoder();
  return sharp({ create: { width, height, channels: 3, background: GROUND } })
    .composite([...tiles, { input: Buffer.from(svg), left: 0, top: 0 }])
    .removeAlpha()
    .png()
    .toBuffer();
}

/** @returns `undefined` for what no picture can be made of. */
async function headerOf(source: PictureSource | undefined): Promise<PictureHeader | undefined> {
  if (source === undefined) return undefined;
  const header = await readHeader(source).catch(() => undefined);
  if (!header || header.width * header.height > MAX_PICTURE_PIXELS) return undefined;
  return heldBytes(header) > MAX_HELD_BYTES ? undefined : header;
}

function upright({ width, height, orientation = 1 }: PictureHeader): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** A picture as it is drawn, without transparency. @returns `undefined` for a damaged one. */
async function tile(
  source: PictureSource,
  header: PictureHeader,
  { width, height }: Cell,
): Promise<Pixels | undefined> {
  try {
    return await whileDecoding(header, async () => {
      const small = await smallPixels(source, header, Math.max(width, height));
      const picture = (await fromRaw(small)).resize({ width, height, fit: "fill" });
      if (small.info.channels === 2 || small.info.channels === 4) {
        return onChecks(await picture.ensureAlpha().raw().toBuffer(), { width, height });
      }
      return picture.raw().toBuffer({ resolveWithObject: true });
    });
  } catch {
    return undefined;
  }
}

async function onChecks(data: Buffer, { width, height }: Size): Promise<Pixels> {
  const sharp = await decoder();
  return sharp(checks(width, height), { raw: { width, height, channels: 3 } })
    .composite([{ input: data, raw: { width, height, channels: 4 } }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
}

/** A checkerboard, which shows where nothing is. */
function checks(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3, LIGHT);
  for (let y = 0; y < height; y++) {
    const odd = Math.floor(y / CHECK_PX) % 2;
    for (let left = odd === 0 ? CHECK_PX : 0; left < width; left += 2 * CHECK_PX) {
      const right = Math.min(width, left + CHECK_PX);
      pixels.fill(DARK, (y * width + left) * 3, (y * width + right) * 3);
    }
  }
  return pixels;
}

/** Numbers on grounds of their own, so that they are read on any picture. */
function tabs(
  { cells, cellPx, tabPx }: SheetLayout,
  labels: readonly string[],
  lettering: Lettering,
): string {
  const fontSize = tabPx * FONT_SHARE;
  const padding = tabPx * PADDING_SHARE;
  const maxWidth = cellPx - 2 * padding;
  return cells
    .map(({ left, top }, at) => {
      const text = labels[at] ?? "";
      const { width, height } = lettering.line(text, { x: 0, y: 0, fontSize, maxWidth });
      const y = top - tabPx;
      const written = lettering.line(text, {
        x: left + padding,
        y: y + (tabPx - height) / 2,
        fontSize,
        maxWidth,
      });
      const ground = `<rect x="${left}" y="${y}" width="${(width + 2 * padding).toFixed(1)}" height="${tabPx}" fill="${TAB}"/>`;
      return ground + inked(written, INK);
    })
    .join("");
}

function emptyPlace({ left, top, width, height }: Cell): string {
  const right = left + width;
  const bottom = top + height;
  return `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${BLANK.ground}"/><path d="M${left} ${top}L${right} ${bottom}M${right} ${top}L${left} ${bottom}" stroke="${BLANK.stroke}" stroke-width="2"/>`;
}
