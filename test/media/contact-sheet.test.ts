import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { Lettering } from "../../src/core/lettering.ts";
import { contactSheet, type SheetPicture } from "../../src/media/contact-sheet.ts";
import { type Cell, layOut, type Size } from "../../src/media/sheet-layout.ts";

let lettering: Lettering;

beforeAll(async () => {
  lettering = await Lettering.load();
});

const plain = (background: string, { width, height }: Size) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

const numbered = (sources: readonly (Buffer | undefined)[]): SheetPicture[] =>
  sources.map((source, at) => ({ source, label: String(at + 1) }));

async function opened(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const start = (Math.round(y) * info.width + Math.round(x)) * info.channels;
    return [...data.subarray(start, start + info.channels)];
  };
  const middle = ({ left, top, width, height }: Cell) => at(left + width / 2, top + height / 2);
  /** The darkest and the lightest that is found on the left of a tab. */
  const tab = ({ left, top }: Cell, tabPx: number) => {
    const greys: number[] = [];
    for (let y = top - tabPx + 1; y < top - 1; y++) {
      for (let x = left + 1; x < left + tabPx; x++) greys.push(at(x, y)[1] ?? 0);
    }
    return { darkest: Math.min(...greys), lightest: Math.max(...greys) };
  };
  return { info, middle, tab, at };
}

describe("a contact sheet", () => {
  it("shows each picture in its place, with its number on a ground of its own", async () => {
    const size = { width: 300, height: 200 };
    const colours = ["#ffffff", "#000000", "#ff0000", "#00ff00", "#0000ff"];
    const pictures = await Promise.all(colours.map((colour) => plain(colour, size)));
    const { cells, tabPx, width, height } = layOut(colours.map(() => size));
    const sheet = await opened(await contactSheet(numbered(pictures), lettering));
    expect(sheet.info).toMatchObject({ width, height, channels: 3 });
    expect(cells.map(sheet.middle)).toEqual([
      [255, 255, 255],
      [0, 0, 0],
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ]);
    for (const cell of cells) {
      const { darkest, lightest } = sheet.tab(cell, tabPx);
      expect(lightest - darkest).toBeGreaterThan(200);
    }
  });

  it("is the same for the same pictures, and another where only a number differs", async () => {
    const picture = await plain("#446688", { width: 64, height: 64 });
    const draw = (label: string) => contactSheet([{ source: picture, label }], lettering);
    expect((await draw("1")).equals(await draw("1"))).toBe(true);
    expect((await draw("1")).equals(await draw("2"))).toBe(false);
  });

  it("shows on a checkerboard what is transparent", async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const layer = await sharp({ create: { width: 80, height: 80, channels: 4, background: clear } })
      .png()
      .toBuffer();
    const [cell] = layOut([{ width: 80, height: 80 }]).cells;
    if (!cell) return expect.fail("there is no cell");
    const { at } = await opened(await contactSheet(numbered([layer]), lettering));
    expect(at(cell.left + 3, cell.top + 3)).toEqual([184, 184, 184]);
    expect(at(cell.left + 13, cell.top + 3)).toEqual([136, 136, 136]);
    expect(at(cell.left + 3, cell.top + 13)).toEqual([136, 136, 136]);
  });

  it("has an empty place for what is damaged, is no picture, or is not there", async () => {
    const whole = await plain("#ff0000", { width: 100, height: 100 });
    const noisy = await sharp(whole).png({ compressionLevel: 0 }).toBuffer();
    const bomb = Buffer.from(whole);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const sources = [whole, noisy.subarray(0, 2_000), Buffer.from("text"), bomb, undefined];
    const sheet = await opened(await contactSheet(numbered(sources), lettering));
    const square = { width: 100, height: 100 };
    const { cells, tabPx } = layOut(sources.map(() => square));
    const [first, ...others] = cells;
    expect(first && sheet.middle(first)).toEqual([255, 0, 0]);
    for (const cell of others) {
      expect(sheet.middle(cell)[0]).toBeLessThan(130);
      expect(sheet.tab(cell, tabPx).lightest).toBeGreaterThan(230);
    }
  });

  it("shows a picture upright, as its file says", async () => {
    const lying = await sharp(await plain("#00ff00", { width: 400, height: 100 }))
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const sheet = await opened(await contactSheet(numbered([lying]), lettering));
    expect(sheet.info.height).toBeGreaterThan(sheet.info.width * 2);
  });

  it("cuts a label that is wider than its place", async () => {
    const picture = await plain("#446688", { width: 40, height: 40 });
    const { cellPx, cells, tabPx } = layOut([1, 2].map(() => ({ width: 40, height: 40 })));
    const label = "1 and very many more words than can stand above a picture on any sheet";
    const pictures = [label, "2"].map((one) => ({ source: picture, label: one }));
    const { at } = await opened(await contactSheet(pictures, lettering));
    const [first] = cells;
    if (!first) return expect.fail("there is no cell");
    // Between the two there is nothing.
    expect(at(first.left + cellPx + 5, first.top - tabPx / 2)).toEqual([32, 32, 32]);
  });

  it("enlarges tiny pictures, and takes large ones and grey ones", async () => {
    const tiny = await plain("#ff0000", { width: 1, height: 1 });
    const large = await plain("#00ff00", { width: 5000, height: 5000 });
    const grey = await sharp(await plain("#808080", { width: 90, height: 90 }))
      .toColourspace("b-w")
      .png()
      .toBuffer();
    const { cells } = layOut([1, 5000, 90].map((side) => ({ width: side, height: side })));
    const sheet = await opened(await contactSheet(numbered([tiny, large, grey]), lettering));
    expect(cells.map(sheet.middle)).toEqual([
      [255, 0, 0],
      [0, 255, 0],
      [128, 128, 128],
    ]);
  });
});
