import { at, type Easel, shape } from "./easel.ts";
import { mix } from "./palettes.ts";

export interface Ridges {
  /** Where the farthest and the nearest begin, as shares of the height. */
  from: number;
  to: number;
  layers: number;
  /** How far they rise, as a share of the height. */
  height: number;
  rough: boolean;
}

/** Land in layers, each nearer one lower and darker, with haze between them. */
export function ridges(easel: Easel, land: Ridges): void {
  const { far, near, sky } = easel.palette;
  for (let layer = 0; layer < land.layers; layer++) {
    const share = layer / Math.max(1, land.layers - 1);
    const base = easel.height * (land.from + (land.to - land.from) * share);
    const reach = easel.height * land.height * (1 - share * 0.45);
    const colour = mix(far, near, share ** 1.25);
    const haze = 0.42 * (1 - share) + 0.05;
    const fill = easel.vertical(
      [mix(colour, sky[2], 0.1), 1, 0],
      [mix(colour, sky[2], haze), 1, 1],
    );
    const line = land.rough ? jagged(easel, base, reach) : rolling(easel, base, reach);
    easel.draw(shape(downFrom(easel, line), fill));
  }
}

/** A row of firs on a dark bank at the bottom; `base` as a share of the height. */
export function trees(easel: Easel, base: number): void {
  const { random, width, height } = easel;
  const bank = rolling(easel, height * base, height * 0.03);
  const step = width / (bank.length - 1);
  let path = downFrom(easel, bank);
  for (const [n, ground] of bank.entries()) {
    if (!random.chance(0.62)) continue;
    const x = (n + random.between(-0.5, 0.5)) * step;
    path += fir(x, ground + 4, height * random.between(0.035, 0.1));
  }
  easel.draw(shape(path, mix(easel.palette.near, "#000000", 0.25)));
}

function fir(x: number, foot: number, height: number): string {
  const tiers = [
    { share: 0.55, width: 0.13 },
    { share: 0.8, width: 0.19 },
    { share: 1, width: 0.25 },
  ];
  return tiers
    .map(({ share, width }) => {
      const top = foot - height * (1.42 - share * 0.62);
      const hem = at(foot - height * (1 - share));
      return `M${at(x)} ${at(top)}L${at(x + height * width)} ${hem}L${at(x - height * width)} ${hem}Z`;
    })
    .join("");
}

/** Water from `from` (a share of the height) to the bottom, with the sky's light on it. */
export function water(easel: Easel, from: number): void {
  const { width, height, random } = easel;
  const { sky, near, sun } = easel.palette;
  const top = height * from;
  const depth = height - top;
  const surface = easel.vertical(
    [mix(sky[2], near, 0.18), 1, 0],
    [mix(sky[1], near, 0.3), 1, 0.45],
    [mix(sky[0], near, 0.55), 1, 1],
  );
  const shade = easel.vertical([near, 0.55, 0], [near, 0, 1]);
  easel.draw(`<rect y="${at(top)}" width="${width}" height="${at(depth)}" fill="${surface}"/>`);
  easel.draw(`<rect y="${at(top)}" width="${width}" height="${at(depth * 0.3)}" fill="${shade}"/>`);
  for (let n = 0; n < 90; n++) {
    const nearness = random.next() ** 1.4;
    const glint = random.chance(0.55);
    const spread = width * (0.03 + nearness * 0.1);
    const x = glint ? easel.sunX + random.between(-spread, spread) : width * random.next();
    const y = top + depth * (0.01 + nearness * 0.96);
    const rx = width * random.between(0.008, 0.02 + nearness * 0.05);
    const ry = height * (0.001 + nearness * 0.0035);
    const colour = glint ? sun : mix(sky[1], near, 0.55);
    const opacity = (glint ? random.between(0.25, 0.7) : 0.16).toFixed(2);
    easel.draw(
      `<ellipse cx="${at(x)}" cy="${at(y)}" rx="${at(rx)}" ry="${at(ry)}" fill="${colour}" fill-opacity="${opacity}"/>`,
    );
  }
}

/** Heights of a smooth line across the picture. */
function rolling({ random }: Easel, base: number, reach: number): number[] {
  const waves = [1, 2.3, 4.1].map((frequency, order) => ({
    frequency: frequency * random.between(0.7, 1.3),
    phase: random.between(0, Math.PI * 2),
    height: reach / (order + 1) / 2,
  }));
  return Array.from({ length: 97 }, (_, step) => {
    const turn = (step / 96) * Math.PI * 2;
    return waves.reduce(
      (y, { frequency, phase, height }) => y + Math.sin(turn * frequency + phase) * height,
      base,
    );
  });
}

/** Heights of a broken line across the picture, by midpoint displacement. */
function jagged({ random }: Easel, base: number, reach: number): number[] {
  let line = Array.from({ length: 5 }, () => base + random.between(-reach, reach * 0.5));
  for (let rough = reach * 0.5; line.length < 257; rough *= 0.56) {
    line = line.flatMap((y, step) => {
      const next = line[step + 1];
      return next === undefined ? y : [y, (y + next) / 2 + random.between(-rough, rough)];
    });
  }
  return line;
}

/** The area between a line and the bottom, as SVG path data. */
function downFrom({ width, height }: Easel, line: readonly number[]): string {
  const step = width / (line.length - 1);
  const points = line.map((y, n) => `L${at(n * step)} ${at(y)}`).join("");
  return `M0 ${height}${points}L${width} ${height}Z`;
}
