import { at, circle, type Easel, shape } from "./easel.ts";
import { mix } from "./palettes.ts";

export interface Skyline {
  /** Where the houses stand and how high they may be, as shares of the height. */
  base: number;
  reach: number;
  /** 0 far and hazy, 1 near and dark. */
  nearness: number;
}

/** A row of houses, with lit windows in the nearer rows. */
export function skyline(easel: Easel, { base, reach, nearness }: Skyline): void {
  const { random, width, height } = easel;
  const { far, near, sky, sun, accent } = easel.palette;
  const unit = width / 42;
  let houses = "";
  let windows = "";
  for (let x = -unit; x < width; ) {
    const breadth = unit * random.between(1.6, 3.6);
    const top = height * (base - reach * random.between(0.25, 1) ** 1.3);
    houses += `M${at(x)} ${height}V${at(top)}H${at(x + breadth)}V${height}Z`;
    if (random.chance(0.2))
      houses += `M${at(x + breadth / 2 - 1.5)} ${at(top)}v${at(-unit * 1.4)}h3V${at(top)}Z`;
    if (nearness > 0.5) windows += litWindows(easel, { x, top, breadth, gap: unit * 0.55 });
    x += breadth + unit * random.between(-0.2, 0.5);
  }
  easel.draw(shape(houses, mix(mix(far, sky[2], 0.25), near, nearness)));
  easel.draw(shape(windows, mix(sun, accent, 0.3), nearness * 0.8));
}

function litWindows(
  { random, height }: Easel,
  house: { x: number; top: number; breadth: number; gap: number },
): string {
  const { gap } = house;
  const end = house.x + house.breadth - gap * 0.7;
  let path = "";
  for (let y = house.top + gap; y < height; y += gap * 1.35) {
    for (let x = house.x + gap * 0.6; x < end; x += gap) {
      if (random.chance(0.38))
        path += `M${at(x)} ${at(y)}h${at(gap * 0.5)}v${at(gap * 0.72)}h${at(-gap * 0.5)}Z`;
    }
  }
  return path;
}

/** A poster of quarter circles, rings and stripes. */
export function tiles(easel: Easel): void {
  const { sky, sun, far, near, accent } = easel.palette;
  const colours = [...sky, sun, far, near, accent, mix(accent, sun, 0.5)];
  const side = easel.shorterSide / 5;
  for (let y = 0; y < easel.height; y += side) {
    for (let x = 0; x < easel.width; x += side) easel.draw(tile(easel, { x, y, side }, colours));
  }
}

interface Square {
  x: number;
  y: number;
  side: number;
}

function tile({ random }: Easel, square: Square, colours: readonly string[]): string {
  const ground = random.pick(colours, "#000000");
  const others = colours.filter((colour) => colour !== ground);
  const inks = [random.pick(others, "#ffffff"), random.pick(others, "#ffffff")] as const;
  return bar(square, 0, 1, ground) + random.pick(ORNAMENTS, rings)(square, ...inks);
}

type Ornament = (square: Square, first: string, second: string) => string;

const rings: Ornament = ({ x, y, side }, first, second) => {
  const middle = [x + side / 2, y + side / 2] as const;
  return circle(...middle, side * 0.42, first) + circle(...middle, side * 0.22, second);
};

const ORNAMENTS: readonly Ornament[] = [
  ({ x, y, side }, ink) =>
    shape(`M${at(x)} ${at(y)}h${at(side)}${arc(side)} ${at(-side)} ${at(side)}Z`, ink),
  ({ x, y, side }, ink) =>
    shape(
      `M${at(x + side)} ${at(y + side)}h${at(-side)}${arc(side)} ${at(side)} ${at(-side)}Z`,
      ink,
    ),
  rings,
  ({ x, y, side }, first, second) =>
    shape(`M${at(x)} ${at(y + side)}${arc(side / 2)} ${at(side)} 0Z`, first) +
    shape(`M${at(x)} ${at(y + side / 2)}${arc(side / 2)} ${at(side)} 0Z`, second),
  ({ x, y, side }, ink) =>
    shape(`M${at(x)} ${at(y)}L${at(x + side)} ${at(y + side)}H${at(x)}Z`, ink),
  (square, ink) => [0, 0.4, 0.8].map((from) => bar(square, from, 0.2, ink)).join(""),
];

function arc(radius: number): string {
  return `a${at(radius)} ${at(radius)} 0 0 1`;
}

/** A bar across the square; a little wider, so that no gap shows between neighbours. */
function bar({ x, y, side }: Square, from: number, share: number, fill: string): string {
  return `<rect x="${at(x)}" y="${at(y + from * side)}" width="${at(side + 0.5)}" height="${at(share * side + 0.5)}" fill="${fill}"/>`;
}
