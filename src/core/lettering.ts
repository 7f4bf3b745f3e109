import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Font, PathCommand } from "opentype.js";
import { AppError } from "./errors.ts";
import { packageRoot } from "./package-root.ts";

export interface TextBlock {
  /** SVG path data of all outlines, in pieces: a renderer may cut a very long one short. */
  paths: readonly string[];
  width: number;
  height: number;
  fontSize: number;
}

/** What one grapheme becomes: outlines of the font, or a box where the font has none. */
interface Shape {
  text: string;
  advance: number;
  boxed: boolean;
  breaksAfter: boolean;
}

const LINE_HEIGHT = 1.28;
const ASCENT = 0.76;
const BOX_ADVANCE = 0.92;
/** More than fits on any picture. */
const LONGEST_TEXT = 4000;
const LONGEST_PIECE = 10_000;
const ELLIPSIS = "…";

/**
 * Text as outlines of the font that ships with the package: a fresh machine has no fonts, and not
 * every SVG renderer knows text.
 */
export class Lettering {
  readonly #font: Font;
  readonly #shapes = new Map<string, Shape>();
  readonly #segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

  private constructor(font: Font) {
    this.#font = font;
  }

  /** @throws {internal} where the package is incomplete. */
  static async load(): Promise<Lettering> {
    const { default: opentype } = await import("opentype.js");
    const path = join(packageRoot(), "assets", "fonts", "DejaVuSans-Bold.ttf");
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new AppError("internal", "The font that ships with the package is missing.", { cause });
    });
    // Reads a glyph when it is first needed; all six thousand would take much longer.
    return new Lettering(opentype.parse(new Uint8Array(bytes).buffer, { lowMemory: true }));
  }

  /** One line with its top left corner at `x`, `y`; what does not fit `maxWidth` is cut. */
  line(text: string, at: { x: number; y: number; fontSize: number; maxWidth?: number }): TextBlock {
    const { x, y, fontSize, maxWidth = Number.POSITIVE_INFINITY } = at;
    const [first = []] = this.#wrap(this.#shape(text), maxWidth / fontSize, 1);
    return this.#draw([first], { x, y, fontSize });
  }

  /** Text in lines, as large as the space allows, cut with an ellipsis where it cannot fit. */
  paragraph(
    text: string,
    space: { width: number; height: number; largest: number; smallest: number },
  ): { place(x: number, y: number): TextBlock; height: number } {
    const shapes = this.#shape(text);
    let fontSize = space.largest;
    for (;;) {
      const most = Math.max(1, Math.floor(space.height / (fontSize * LINE_HEIGHT)));
      const lines = this.#wrap(shapes, space.width / fontSize, most + 1);
      if (lines.length <= most || fontSize <= space.smallest) {
        const kept = this.#wrap(shapes, space.width / fontSize, most);
        const size = fontSize;
        return {
          place: (x, y) => this.#draw(kept, { x, y, fontSize: size }),
          height: kept.length * size * LINE_HEIGHT,
        };
      }
      fontSize = Math.max(space.smallest, fontSize * 0.92);
    }
  }

  #shape(text: string): Shape[] {
    const tidy = text.slice(0, LONGEST_TEXT).replace(/\s+/gu, " ").trim();
    return [...this.#segmenter.segment(tidy)].flatMap(({ segment }) => this.#shapeOf(segment));
  }

  #shapeOf(segment: string): Shape | [] {
    const known = this.#shapes.get(segment);
    if (known) return known;
    // Control characters, joiners and variation selectors have no shape of their own.
    const visible = segment.replace(/[\p{Cc}\p{Cf}\p{Cs}]|\p{Variation_Selector}/gu, "");
    if (visible === "") return [];
    const characters = [...visible];
    const boxed = characters.some((one) => this.#font.charToGlyphIndex(one) === 0);
    const units = characters.reduce(
      (sum, one) => sum + (this.#font.charToGlyph(one).advanceWidth ?? 0),
      0,
    );
    const shape: Shape = {
      text: visible,
      boxed,
      advance: boxed ? BOX_ADVANCE : units / this.#font.unitsPerEm,
      // Between boxes a line may end anywhere: they mostly stand for scripts without spaces.
      breaksAfter: boxed || visible === " " || visible === "-",
    };
    if (this.#shapes.size < LONGEST_TEXT) this.#shapes.set(segment, shape);
    return shape;
  }

  /** Lines no wider than `width` ems; of more than `most` the last one ends with an ellipsis. */
  #wrap(shapes: readonly Shape[], width: number, most: number): Shape[][] {
    const lines: Shape[][] = [];
    let from = 0;
    while (from < shapes.length) {
      if (lines.length === most) {
        const last = lines.pop() ?? [];
        lines.push(this.#withEllipsis(last, width));
        return lines;
      }
      const to = lineEnd(shapes, from, width);
      lines.push(shapes.slice(from, to));
      from = to;
      while (shapes[from]?.text === " ") from += 1;
    }
    return lines;
  }

  #withEllipsis(line: Shape[], width: number): Shape[] {
    const mark = this.#shape(ELLIPSIS);
    let kept = [...line];
    while (kept.length > 0 && widthOf(kept) + widthOf(mark) > width) kept = kept.slice(0, -1);
    while (kept.at(-1)?.text === " ") kept = kept.slice(0, -1);
    return [...kept, ...mark];
  }

  #draw(lines: readonly Shape[][], at: { x: number; y: number; fontSize: number }): TextBlock {
    const { x, y, fontSize } = at;
    const paths: string[] = [];
    let piece = "";
    for (const [row, line] of lines.entries()) {
      const baseline = y + fontSize * (row * LINE_HEIGHT + ASCENT + (LINE_HEIGHT - 1) / 2);
      let pen = x;
      for (const shape of line) {
        piece += shape.boxed
          ? box(pen, baseline, fontSize)
          : this.#outline(shape, pen, baseline, fontSize);
        if (piece.length > LONGEST_PIECE) {
          paths.push(piece);
          piece = "";
        }
        pen += shape.advance * fontSize;
      }
    }
    return {
      paths: [...paths, piece],
      width: Math.max(0, ...lines.map(widthOf)) * fontSize,
      height: lines.length * fontSize * LINE_HEIGHT,
      fontSize,
    };
  }

  #outline(shape: Shape, x: number, baseline: number, fontSize: number): string {
    let pen = x;
    let path = "";
    for (const character of shape.text) {
      const glyph = this.#font.charToGlyph(character);
      path += glyph.getPath(pen, baseline, fontSize).commands.map(written).join("");
      pen += ((glyph.advanceWidth ?? 0) / this.#font.unitsPerEm) * fontSize;
    }
    return path;
  }
}

/** A block's outlines filled with one colour, as SVG. */
export function inked({ paths }: TextBlock, fill: string, opacity = 1): string {
  return paths
    .map((path) => `<path d="${path}" fill="${fill}" fill-opacity="${opacity}"/>`)
    .join("");
}

function lineEnd(shapes: readonly Shape[], from: number, width: number): number {
  let used = 0;
  let lastBreak = 0;
  for (let at = from; at < shapes.length; at++) {
    const shape = shapes[at];
    if (!shape) break;
    // A space at the end of a line may stick out.
    if (used + shape.advance > width && at > from && shape.text !== " ")
      return lastBreak > from ? lastBreak : at;
    used += shape.advance;
    if (shape.breaksAfter) lastBreak = at + 1;
  }
  return shapes.length;
}

function widthOf(line: readonly Shape[]): number {
  const trailing = line.at(-1)?.text === " " ? 1 : 0;
  return line.slice(0, line.length - trailing).reduce((sum, { advance }) => sum + advance, 0);
}

/** The font library's own serializer writes NaN for some numbers. */
function written({ type, x1, y1, x2, y2, x, y }: PathCommand): string {
  const numbers = [x1, y1, x2, y2, x, y].filter((value) => value !== undefined);
  return type + numbers.map((value) => value.toFixed(2)).join(" ");
}

function box(x: number, baseline: number, fontSize: number): string {
  const at = (value: number) => value.toFixed(1);
  const left = x + fontSize * 0.08;
  const top = baseline - fontSize * 0.76;
  const side = fontSize * 0.76;
  const wall = fontSize * 0.07;
  const rectangle = (inset: number, direction: 1 | -1) => {
    const length = side - 2 * inset;
    const start = `M${at(left + inset)} ${at(top + inset)}`;
    return direction === 1
      ? `${start}h${at(length)}v${at(length)}h${at(-length)}Z`
      : `${start}v${at(length)}h${at(length)}v${at(-length)}Z`;
  };
  return rectangle(0, 1) + rectangle(wall, -1);
}
