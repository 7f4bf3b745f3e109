import type { Size } from "../contract/commission.ts";
import { Easel } from "./easel.ts";
import { ridges, trees, water } from "./land.ts";
import { chooseScene, type SceneKind } from "./palettes.ts";
import { Random } from "./random.ts";
import { sky } from "./sky.ts";
import { skyline, tiles } from "./town.ts";

/**
 * A landscape as the inside of an SVG: paths, plain shapes and gradients only, because the SVG
 * renderer of sharp's WebAssembly build knows little more.
 */
export function scene(
  subject: { prompt: string; seed: string; index: number },
  size: Size,
): string {
  const { prompt, seed, index } = subject;
  const { palette, kind } = chooseScene(prompt, seed, index);
  const easel = new Easel(size, palette, new Random(`${seed}|${index}|${kind}`));
  SCENES[kind](easel);
  return easel.svg();
}

const SCENES: Readonly<Record<SceneKind, (easel: Easel) => void>> = {
  mountains(easel) {
    sky(easel, 0.72);
    ridges(easel, { from: 0.42, to: 0.84, layers: 5, height: 0.24, rough: true });
    trees(easel, 0.9);
  },
  hills(easel) {
    sky(easel, 0.7);
    ridges(easel, { from: 0.5, to: 0.86, layers: 5, height: 0.11, rough: false });
    trees(easel, 0.94);
  },
  lake(easel) {
    sky(easel, 0.58);
    ridges(easel, { from: 0.42, to: 0.54, layers: 3, height: 0.15, rough: true });
    water(easel, 0.6);
  },
  dunes(easel) {
    sky(easel, 0.6);
    ridges(easel, { from: 0.56, to: 0.86, layers: 6, height: 0.16, rough: false });
  },
  city(easel) {
    sky(easel, 0.8);
    skyline(easel, { base: 0.78, reach: 0.34, nearness: 0.25 });
    skyline(easel, { base: 0.9, reach: 0.4, nearness: 0.6 });
    skyline(easel, { base: 1.02, reach: 0.36, nearness: 1 });
  },
  tiles,
};
