import type { Size } from "../contract/commission.ts";
import type { Palette } from "./palettes.ts";
import type { Random } from "./random.ts";

type Stop = readonly [colour: string, opacity: number, offset: number];

/** A picture in the making: its size, its colours, its chance, and the SVG drawn so far. */
export class Easel {
  readonly width: number;
  readonly height: number;
  readonly palette: Palette;
  readonly random: Random;
  /** Where the sun or moon stands, in pixels from the left. */
  sunX = 0;
  readonly #definitions: string[] = [];
  readonly #parts: string[] = [];

  constructor({ width, height }: Size, palette: Palette, random: Random) {
    this.width = width;
    this.height = height;
    this.palette = palette;
    this.random = random;
  }

  get shorterSide(): number {
    return Math.min(this.width, this.height);
  }

  draw(svg: string): void {
    this.#parts.push(svg);
  }

  /** Declares a gradient over a shape's own box. @returns what to write as its fill. */
  vertical(...stops: Stop[]): string {
    return this.#define("linearGradient", 'x1="0" y1="0" x2="0" y2="1"', stops);
  }

  /** As {@link vertical}, from the middle out to `radius`, a share of the box. */
  radial(radius: number, ...stops: Stop[]): string {
    return this.#define("radialGradient", `cx="0.5" cy="0.5" r="${radius}"`, stops);
  }

  /** All that was drawn, as the inside of an SVG, a little darker towards the corners. */
  svg(): string {
    const fill = this.radial(0.72, ["#000000", 0, 0.55], ["#000000", 0.34, 1]);
    const vignette = `<rect width="${this.width}" height="${this.height}" fill="${fill}"/>`;
    return `<defs>${this.#definitions.join("")}</defs>${this.#parts.join("")}${vignette}`;
  }

  #define(element: string, attributes: string, stops: readonly Stop[]): string {
    const id = `g${this.#definitions.length}`;
    const inside = stops
      .map(
        ([colour, opacity, offset]) =>
          `<stop offset="${offset.toFixed(3)}" stop-color="${colour}" stop-opacity="${opacity}"/>`,
      )
      .join("");
    this.#definitions.push(`<${element} id="${id}" ${attributes}>${inside}</${element}>`);
    return `url(#${id})`;
  }
}

export function circle(x: number, y: number, radius: number, fill: string, opacity = 1): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="${at(radius)}" fill="${fill}" fill-opacity="${opacity.toFixed(2)}"/>`;
}

export function shape(path: string, fill: string, opacity = 1): string {
  return `<path d="${path}" fill="${fill}" fill-opacity="${opacity.toFixed(2)}"/>`;
}

/** A number as SVG wants it: short, and never in exponents. */
export function at(value: number): string {
  return value.toFixed(1);
}
