import { at, circle, type Easel, shape } from "./easel.ts";

/** The sky with its light, stars and clouds; `horizon` as a share of the height. */
export function sky(easel: Easel, horizon: number): void {
  const { palette, width, height } = easel;
  const [top, middle, low] = palette.sky;
  const fill = easel.vertical([top, 1, 0], [middle, 1, horizon * 0.6], [low, 1, horizon]);
  easel.draw(`<rect width="${width}" height="${height}" fill="${fill}"/>`);
  if (palette.night) stars(easel);
  light(easel, horizon);
  if (!palette.night) clouds(easel, horizon);
}

function light(easel: Easel, horizon: number): void {
  const { palette, random, width, height } = easel;
  const radius = easel.shorterSide * random.between(0.065, 0.1);
  const x = width * random.between(0.2, 0.8);
  const y = height * horizon * random.between(0.42, 0.7);
  easel.sunX = x;
  const { sun } = palette;
  const halo = easel.radial(0.5, [sun, 0.75, 0], [sun, 0.22, 0.35], [sun, 0, 1]);
  easel.draw(circle(x, y, radius * 4.5, halo));
  easel.draw(palette.night ? crescent(x, y, radius, sun) : circle(x, y, radius, sun));
}

function crescent(x: number, y: number, radius: number, fill: string): string {
  const dx = radius * 0.5;
  const dy = radius * 0.87;
  const outer = `A${at(radius)} ${at(radius)} 0 1 0 ${at(x + dx)} ${at(y + dy)}`;
  const inner = `A${at(radius * 0.95)} ${at(radius * 0.95)} 0 0 1 ${at(x + dx)} ${at(y - dy)}`;
  return shape(`M${at(x + dx)} ${at(y - dy)}${outer}${inner}Z`, fill);
}

function stars(easel: Easel): void {
  const { random, width, height } = easel;
  for (let n = 0; n < 110; n++) {
    const y = height * random.between(0, 0.55);
    const radius = random.between(0.5, 1.9) * (easel.shorterSide / 768);
    const shine = random.between(0.35, 1);
    easel.draw(circle(width * random.next(), y, radius, "#ffffff", shine));
  }
}

function clouds(easel: Easel, horizon: number): void {
  const { random, width, height } = easel;
  for (let n = 0; n < 4; n++) {
    const x = width * random.between(0, 0.95);
    const y = height * horizon * random.between(0.18, 0.72);
    const length = easel.shorterSide * random.between(0.13, 0.26);
    const end = length * 0.09;
    const cap = `a${at(end)} ${at(end)} 0 0 1 0`;
    const pill = `M${at(x)} ${at(y)}${cap} ${at(-2 * end)}h${at(length)}${cap} ${at(2 * end)}Z`;
    const domes = [0.28, 0.5, 0.74].map((share) => {
      const middle = x + length * (share + random.between(-0.05, 0.05));
      const radius = length * random.between(0.11, 0.19);
      return `M${at(middle - radius)} ${at(y - end)}a${at(radius)} ${at(radius)} 0 0 1 ${at(2 * radius)} 0Z`;
    });
    easel.draw(shape(pill + domes.join(""), "#ffffff", random.between(0.22, 0.42)));
  }
}
