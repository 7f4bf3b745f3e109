import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import { composeLayers } from "../../src/media/layer-composition.ts";
import { LAYER_COUNT } from "../../src/sandbox/contract/commission.ts";
import { layer } from "../../src/sandbox/painter/layers.ts";
import { tempDir } from "../support/temp-dir.ts";

const WIDTH = 60;
const HEIGHT = 40;
const CLEAR = { r: 0, g: 0, b: 0, alpha: 0 };

let folder: string;
let target: string;

beforeEach(async () => {
  folder = await tempDir();
  target = join(folder, "composite.png");
});

async function fileOf(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** A transparent layer with one rectangle on it. */
function rectangle(
  background: string,
  box: { left: number; top: number; width: number; height: number } | undefined,
): Promise<Buffer> {
  const canvas = sharp({
    create: { width: WIDTH, height: HEIGHT, channels: 4, background: CLEAR },
  });
  if (!box) return canvas.png().toBuffer();
  const { width, height, left, top } = box;
  const input = { create: { width, height, channels: 4, background } } as const;
  return canvas.composite([{ input, left, top }]).png().toBuffer();
}

async function pixel(path: string, left: number, top: number): Promise<number[]> {
  const { data } = await sharp(path)
    .ensureAlpha()
    .extract({ left, top, width: 1, height: 1 })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [...data];
}

describe("layers", () => {
  it("are described by what shows on them, and laid over each other in order", async () => {
    const paths = [
      await fileOf("1.png", await rectangle("#ff0000", { left: 0, top: 0, width: 60, height: 40 })),
      await fileOf(
        "2.png",
        await rectangle("#00ff00", { left: 10, top: 5, width: 30, height: 20 }),
      ),
      await fileOf("3.png", await rectangle("#0000ff", { left: 39, top: 24, width: 1, height: 1 })),
      await fileOf("4.png", await rectangle("#ffffff", undefined)),
    ];
    const composed = await composeLayers(paths, target);
    expect(composed).toMatchObject({ width: WIDTH, height: HEIGHT });
    expect(composed.layers).toEqual([
      {
        width: 60,
        height: 40,
        boundingBox: { left: 0, top: 0, width: 60, height: 40 },
        coverage: 1,
      },
      {
        width: 60,
        height: 40,
        boundingBox: { left: 10, top: 5, width: 30, height: 20 },
        coverage: 0.25,
      },
      {
        width: 60,
        height: 40,
        boundingBox: { left: 39, top: 24, width: 1, height: 1 },
        coverage: 1 / 2400,
      },
      { width: 60, height: 40, boundingBox: null, coverage: 0 },
    ]);
    expect(await pixel(target, 0, 0)).toEqual([255, 0, 0, 255]);
    expect(await pixel(target, 20, 10)).toEqual([0, 255, 0, 255]);
    expect(await pixel(target, 39, 24)).toEqual([0, 0, 255, 255]);
  });

  it("of different sizes share their upper left corner", async () => {
    const small = await sharp({
      create: { width: 10, height: 100, channels: 4, background: "#00ff00" },
    })
      .png()
      .toBuffer();
    const paths = [
      await fileOf("1.png", await rectangle("#ff0000", { left: 0, top: 0, width: 60, height: 40 })),
      await fileOf("2.png", small),
    ];
    expect(await composeLayers(paths, target)).toMatchObject({ width: 60, height: 100 });
    expect(await sharp(target).metadata()).toMatchObject({ width: 60, height: 100 });
    expect(await pixel(target, 5, 90)).toEqual([0, 255, 0, 255]);
    expect(await pixel(target, 50, 90)).toEqual([0, 0, 0, 0]);
  });

  it("of the sandbox give the picture that was split", async () => {
    const raw = Buffer.alloc(160 * 120 * 3);
    for (let at = 0; at < raw.length; at++) raw[at] = (at * 7 + Math.floor(at / 480) * 3) % 256;
    const picture = await sharp(raw, { raw: { width: 160, height: 120, channels: 3 } })
      .blur(3)
      .png()
      .toBuffer();
    const paths: string[] = [];
    for (let index = 0; index < LAYER_COUNT; index++) {
      paths.push(await fileOf(`${index}.png`, await layer(picture, index)));
    }
    await composeLayers(paths, target);
    const wanted = await sharp(picture).removeAlpha().raw().toBuffer();
    const got = await sharp(target).removeAlpha().raw().toBuffer();
    // The sandbox leaves out what nobody sees: five of 256 steps, and rounding.
    expect(furthest(got, wanted)).toBeLessThanOrEqual(8);
    const composite = await sharp(target).ensureAlpha().raw().toBuffer();
    // One step of 256 is rounding.
    expect(furthest(composite, await recomposed(paths))).toBeLessThanOrEqual(1);
  });

  it("that cannot be decoded compose nothing", async () => {
    const paths = [await fileOf("1.png", Buffer.from("nothing"))];
    await expect(composeLayers(paths, target)).rejects.toThrow();
  });
});

function furthest(one: Buffer, other: Buffer): number {
  expect(one.length).toBe(other.length);
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - (other[at] ?? 0))), 0);
}

/** Layers laid over each other by the textbook, as raw pixels with alpha. */
async function recomposed(paths: readonly string[]): Promise<Buffer> {
  const layers = await Promise.all(paths.map((path) => sharp(path).ensureAlpha().raw().toBuffer()));
  const below = new Float64Array(layers[0]?.length ?? 0);
  for (const pixels of layers) {
    for (let at = 0; at < pixels.length; at += 4) {
      const alpha = (pixels[at + 3] ?? 0) / 255;
      const under = below[at + 3] ?? 0;
      const total = alpha + under * (1 - alpha);
      for (let channel = 0; channel < 3 && total > 0; channel++) {
        const mixed =
          (pixels[at + channel] ?? 0) * alpha + (below[at + channel] ?? 0) * under * (1 - alpha);
        below[at + channel] = mixed / total;
      }
      below[at + 3] = total;
    }
  }
  return Buffer.from(below.map((value, at) => Math.round(at % 4 === 3 ? value * 255 : value)));
}
