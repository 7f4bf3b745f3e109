import type { Size } from "./commission.ts";
import { chooseScene, mix, type Palette, type SceneKind } from "./palettes.ts";
import { Random } from "./random.ts";

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
  const random = new Random(`${seed}|${index}|${kind}`);
  const easel = new Easel(size, palette, random);
  SCENES[kind](easel);
  return easel.svg();
}

const SCENES: Readonly<Record<SceneKind, (easel: Easel) => void>> = {
  mountains(easel) {
    easel.sky(0.72);
    easel.ridges({ from: 0.42, to: 0.84, layers: 5, height: 0.24, rough: true });
    easel.trees(0.9);
  },
  hills(easel) {
    easel.sky(0.7);
    easel.ridges({ from: 0.5, to: 0.86, layers: 5, height: 0.11, rough: false });
    easel.trees(0.94);
  },
  lake(easel) {
    easel.sky(0.58);
    easel.ridges({ from: 0.42, to: 0.54, layers: 3, height: 0.15, rough: true });
    easel.water(0.6);
  },
  dunes(easel) {
    easel.sky(0.6);
    easel.ridges({ from: 0.56, to: 0.86, layers: 6, height: 0.16, rough: false });
  },
  city(easel) {
    easel.sky(0.8);
    easel.skyline(0.78, 0.34, 0.25);
    easel.skyline(0.9, 0.4, 0.6);
    easel.skyline(1.02, 0.36, 1);
  },
  tiles(easel) {
    easel.tiles();
  },
};

class Easel {
  readonly #w: number;
  readonly #h: number;
  readonly #palette: Palette;
  readonly #random: Random;
  readonly #defs: string[] = [];
  readonly #parts: string[] = [];
  /** Where the sun or moon stands, in pixels. */
  #sunX = 0;

  constructor({ width, height }: Size, palette: Palette, random: Random) {
    this.#w = width;
    this.#h = height;
    this.#palette = palette;
    this.#random = random;
  }

  svg(): string {
    const vignette = this.#gradient("radial", [
      ["#000000", 0, 0.55],
      ["#000000", 0.34, 1],
    ]);
    const frame = `<rect width="${this.#w}" height="${this.#h}" fill="url(#${vignette})"/>`;
    return `<defs>${this.#defs.join("")}</defs>${this.#parts.join("")}${frame}`;
  }

  /** The sky with its light, stars, clouds and birds; `horizon` as a share of the height. */
  sky(horizon: number): void {
    const [top, middle, low] = this.#palette.sky;
    const sky = this.#gradient("vertical", [
      [top, 1, 0],
      [middle, 1, horizon * 0.6],
      [low, 1, horizon],
    ]);
    this.#parts.push(`<rect width="${this.#w}" height="${this.#h}" fill="url(#${sky})"/>`);
    if (this.#palette.night) this.#stars();
    this.#sun(horizon);
    if (!this.#palette.night) this.#clouds(horizon);
  }

  #sun(horizon: number): void {
    const { sun, night } = this.#palette;
    const side = Math.min(this.#w, this.#h);
    const radius = side * this.#random.between(0.065, 0.1);
    const x = this.#w * this.#random.between(0.2, 0.8);
    const y = this.#h * horizon * this.#random.between(0.42, 0.7);
    this.#sunX = x;
    const halo = this.#gradient("radial", [
      [sun, 0.75, 0],
      [sun, 0.22, 0.35],
      [sun, 0, 1],
    ]);
    this.#parts.push(circle(x, y, radius * 4.5, `url(#${halo})`));
    this.#parts.push(night ? crescent(x, y, radius, sun) : circle(x, y, radius, sun));
  }

  #stars(): void {
    for (let n = 0; n < 110; n++) {
      const y = this.#h * this.#random.between(0, 0.55);
      const size = this.#random.between(0.5, 1.9) * (Math.min(this.#w, this.#h) / 768);
      const shine = this.#random.between(0.35, 1).toFixed(2);
      this.#parts.push(
        circle(this.#w * this.#random.next(), y, size, "#ffffff", `fill-opacity="${shine}"`),
      );
    }
  }

  #clouds(horizon: number): void {
    for (let n = 0; n < 4; n++) {
      const x = this.#w * this.#random.between(0, 0.95);
      const y = this.#h * horizon * this.#random.between(0.18, 0.72);
      const length = Math.min(this.#w, this.#h) * this.#random.between(0.13, 0.26);
      const puffs = [0.28, 0.5, 0.74].map((share) => ({
        x: x + length * (share + this.#random.between(-0.05, 0.05)),
        radius: length * this.#random.between(0.11, 0.19),
      }));
      const base = length * 0.09;
      const pill = `M${at(x)} ${at(y)}a${at(base)} ${at(base)} 0 0 1 0 ${at(-2 * base)}h${at(length)}a${at(base)} ${at(base)} 0 0 1 0 ${at(2 * base)}Z`;
      const domes = puffs.map(
        (puff) =>
          `M${at(puff.x - puff.radius)} ${at(y - base)}a${at(puff.radius)} ${at(puff.radius)} 0 0 1 ${at(2 * puff.radius)} 0Z`,
      );
      const opacity = this.#random.between(0.22, 0.42).toFixed(2);
      this.#parts.push(
        `<path d="${pill}${domes.join("")}" fill="#ffffff" fill-opacity="${opacity}"/>`,
      );
    }
  }

  /** Land in layers, each nearer one lower and darker, with haze between them. */
  ridges(land: { from: number; to: number; layers: number; height: number; rough: boolean }): void {
    const { far, near, sky } = this.#palette;
    for (let layer = 0; layer < land.layers; layer++) {
      const share = land.layers === 1 ? 1 : layer / (land.layers - 1);
      const base = this.#h * (land.from + (land.to - land.from) * share);
      const reach = this.#h * land.height * (1 - share * 0.45);
      const colour = mix(far, near, share ** 1.25);
      const fill = this.#gradient("vertical", [
        [mix(colour, sky[2], 0.1), 1, 0],
        [mix(colour, sky[2], 0.42 * (1 - share) + 0.05), 1, 1],
      ]);
      const line = land.rough ? this.#jagged(base, reach) : this.#rolling(base, reach);
      this.#parts.push(`<path d="${this.#closed(line)}" fill="url(#${fill})"/>`);
    }
  }

  #rolling(base: number, reach: number): number[] {
    const waves = [1, 2.3, 4.1].map((frequency, order) => ({
      frequency: frequency * this.#random.between(0.7, 1.3),
      phase: this.#random.between(0, Math.PI * 2),
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

  #jagged(base: number, reach: number): number[] {
    let line = Array.from({ length: 5 }, () => base + this.#random.between(-reach, reach * 0.5));
    for (let rough = reach * 0.5; line.length < 257; rough *= 0.56) {
      line = line.flatMap((y, step) => {
        const next = line[step + 1];
        return next === undefined ? y : [y, (y + next) / 2 + this.#random.between(-rough, rough)];
      });
    }
    return line;
  }

  #closed(line: readonly number[]): string {
    const step = this.#w / (line.length - 1);
    const points = line.map((y, n) => `L${at(n * step)} ${at(y)}`).join("");
    return `M0 ${this.#h}${points}L${this.#w} ${this.#h}Z`;
  }

  /** A row of firs on a dark bank at the bottom. */
  trees(base: number): void {
    const { near } = this.#palette;
    const bank = this.#rolling(this.#h * base, this.#h * 0.03);
    const step = this.#w / (bank.length - 1);
    let path = this.#closed(bank);
    for (let n = 0; n < bank.length; n++) {
      if (!this.#random.chance(0.62)) continue;
      const x = (n + this.#random.between(-0.5, 0.5)) * step;
      const foot = (bank[n] ?? 0) + 4;
      const height = this.#h * this.#random.between(0.035, 0.1);
      for (const [share, width] of [
        [0.55, 0.13],
        [0.8, 0.19],
        [1, 0.25],
      ] as const) {
        const top = foot - height * (1.12 - share * 0.62);
        path += `M${at(x)} ${at(top - height * 0.3)}L${at(x + height * width)} ${at(foot - height * (1 - share))}L${at(x - height * width)} ${at(foot - height * (1 - share))}Z`;
      }
    }
    this.#parts.push(`<path d="${path}" fill="${mix(near, "#000000", 0.25)}"/>`);
  }

  /** Water from `from` (a share of the height) to the bottom, with the sky's light on it. */
  water(from: number): void {
    const { sky, near, sun } = this.#palette;
    const top = this.#h * from;
    const surface = this.#gradient("vertical", [
      [mix(sky[2], near, 0.18), 1, 0],
      [mix(sky[1], near, 0.3), 1, 0.45],
      [mix(sky[0], near, 0.55), 1, 1],
    ]);
    this.#parts.push(
      `<rect y="${at(top)}" width="${this.#w}" height="${at(this.#h - top)}" fill="url(#${surface})"/>`,
    );
    const shade = this.#gradient("vertical", [
      [near, 0.55, 0],
      [near, 0, 1],
    ]);
    this.#parts.push(
      `<rect y="${at(top)}" width="${this.#w}" height="${at((this.#h - top) * 0.3)}" fill="url(#${shade})"/>`,
    );
    for (let n = 0; n < 90; n++) {
      const depth = this.#random.next() ** 1.4;
      const glint = this.#random.chance(0.55);
      const spread = this.#w * (0.03 + depth * 0.1);
      const x = glint
        ? this.#sunX + this.#random.between(-spread, spread)
        : this.#w * this.#random.next();
      const rx = this.#w * this.#random.between(0.008, 0.02 + depth * 0.05);
      const ry = this.#h * (0.001 + depth * 0.0035);
      const y = top + (this.#h - top) * (0.01 + depth * 0.96);
      const colour = glint ? sun : mix(sky[1], near, 0.55);
      const opacity = glint ? this.#random.between(0.25, 0.7) : 0.16;
      this.#parts.push(
        `<ellipse cx="${at(x)}" cy="${at(y)}" rx="${at(rx)}" ry="${at(ry)}" fill="${colour}" fill-opacity="${opacity.toFixed(2)}"/>`,
      );
    }
  }

  /** A row of houses standing on `base`, with lit windows in the nearer rows. */
  skyline(base: number, reach: number, nearness: number): void {
    const { far, near, sky, sun, accent } = this.#palette;
    const colour = mix(mix(far, sky[2], 0.25), near, nearness);
    const unit = this.#w / 42;
    let houses = "";
    let windows = "";
    for (let x = -unit; x < this.#w; ) {
      const width = unit * this.#random.between(1.6, 3.6);
      const top = this.#h * (base - reach * this.#random.between(0.25, 1) ** 1.3);
      houses += `M${at(x)} ${this.#h}V${at(top)}H${at(x + width)}V${this.#h}Z`;
      if (this.#random.chance(0.2))
        houses += `M${at(x + width / 2 - 1.5)} ${at(top)}v${at(-unit * 1.4)}h3V${at(top)}Z`;
      if (nearness > 0.5) windows += this.#windows(x, top, width, unit);
      x += width + unit * this.#random.between(-0.2, 0.5);
    }
    this.#parts.push(`<path d="${houses}" fill="${colour}"/>`);
    const light = mix(sun, accent, 0.3);
    this.#parts.push(`<path d="${windows}" fill="${light}" fill-opacity="${at(nearness * 0.8)}"/>`);
  }

  #windows(left: number, top: number, width: number, unit: number): string {
    const gap = unit * 0.55;
    let path = "";
    for (let y = top + gap; y < this.#h; y += gap * 1.35) {
      for (let x = left + gap * 0.6; x < left + width - gap * 0.7; x += gap) {
        if (!this.#random.chance(0.38)) continue;
        path += `M${at(x)} ${at(y)}h${at(gap * 0.5)}v${at(gap * 0.72)}h${at(-gap * 0.5)}Z`;
      }
    }
    return path;
  }

  /** A poster of quarter circles, rings and stripes. */
  tiles(): void {
    const { sky, sun, far, near, accent } = this.#palette;
    const colours = [...sky, sun, far, near, accent, mix(accent, sun, 0.5)];
    const side = Math.min(this.#w, this.#h) / 5;
    for (let y = 0; y < this.#h; y += side) {
      for (let x = 0; x < this.#w; x += side) this.#tile(x, y, side, colours);
    }
  }

  #tile(x: number, y: number, side: number, colours: readonly string[]): void {
    const ground = this.#random.pick(colours, "#000000");
    const others = colours.filter((colour) => colour !== ground);
    const ink = this.#random.pick(others, "#ffffff");
    const second = this.#random.pick(others, "#ffffff");
    const full = side + 0.5;
    const square = `<rect x="${at(x)}" y="${at(y)}" width="${at(full)}" height="${at(full)}" fill="${ground}"/>`;
    const middle = [x + side / 2, y + side / 2] as const;
    const drawings = [
      () =>
        `<path d="M${at(x)} ${at(y)}h${at(side)}a${at(side)} ${at(side)} 0 0 1 ${at(-side)} ${at(side)}Z" fill="${ink}"/>`,
      () =>
        `<path d="M${at(x + side)} ${at(y + side)}h${at(-side)}a${at(side)} ${at(side)} 0 0 1 ${at(side)} ${at(-side)}Z" fill="${ink}"/>`,
      () => circle(...middle, side * 0.42, ink) + circle(...middle, side * 0.22, second),
      () =>
        `<path d="M${at(x)} ${at(y + side)}a${at(side / 2)} ${at(side / 2)} 0 0 1 ${at(side)} 0Z" fill="${ink}"/><path d="M${at(x)} ${at(y + side / 2)}a${at(side / 2)} ${at(side / 2)} 0 0 1 ${at(side)} 0Z" fill="${second}"/>`,
      () =>
        `<path d="M${at(x)} ${at(y)}L${at(x + side)} ${at(y + side)}H${at(x)}Z" fill="${ink}"/>`,
      () =>
        [0, 0.4, 0.8]
          .map(
            (row) =>
              `<rect x="${at(x)}" y="${at(y + row * side)}" width="${at(full)}" height="${at(side * 0.2)}" fill="${ink}"/>`,
          )
          .join(""),
    ];
    this.#parts.push(square + this.#random.pick(drawings, () => "")());
  }

  /** Declares a gradient over a shape's own box. @returns its id. */
  #gradient(
    kind: "vertical" | "radial",
    stops: readonly (readonly [colour: string, opacity: number, offset: number])[],
  ): string {
    const id = `g${this.#defs.length}`;
    const inside = stops
      .map(
        ([colour, opacity, offset]) =>
          `<stop offset="${offset.toFixed(3)}" stop-color="${colour}" stop-opacity="${opacity}"/>`,
      )
      .join("");
    this.#defs.push(
      kind === "radial"
        ? `<radialGradient id="${id}" cx="0.5" cy="0.5" r="${stops.length > 2 ? 0.5 : 0.72}">${inside}</radialGradient>`
        : `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${inside}</linearGradient>`,
    );
    return id;
  }
}

function crescent(x: number, y: number, radius: number, fill: string): string {
  const dx = radius * 0.5;
  const dy = radius * 0.87;
  const outer = `A${at(radius)} ${at(radius)} 0 1 0 ${at(x + dx)} ${at(y + dy)}`;
  const inner = `A${at(radius * 0.95)} ${at(radius * 0.95)} 0 0 1 ${at(x + dx)} ${at(y - dy)}`;
  return `<path d="M${at(x + dx)} ${at(y - dy)}${outer}${inner}Z" fill="${fill}"/>`;
}

function circle(x: number, y: number, radius: number, fill: string, more = ""): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="${at(radius)}" fill="${fill}" ${more}/>`;
}

function at(value: number): string {
  return value.toFixed(1);
}
