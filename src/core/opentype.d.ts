// The package ships no types; this is the part of it that is used here.
declare module "opentype.js" {
  export interface PathCommand {
    type: "M" | "L" | "Q" | "C" | "Z";
    x?: number;
    y?: number;
    x1?: number;
    y1?: number;
    x2?: number;
    y2?: number;
  }
  export interface Path {
    readonly commands: readonly PathCommand[];
  }
  export interface Glyph {
    readonly advanceWidth?: number;
    getPath(x: number, y: number, fontSize: number): Path;
  }
  export interface Font {
    readonly unitsPerEm: number;
    charToGlyph(character: string): Glyph;
    /** 0 where the font has no glyph for it. */
    charToGlyphIndex(character: string): number;
  }
  const opentype: { parse(bytes: ArrayBuffer, options?: { lowMemory?: boolean }): Font };
  // biome-ignore lint/style/noDefaultExport: it is what the package offers
  export default opentype;
}
