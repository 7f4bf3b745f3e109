import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cell, layOut, type Size } from "../../src/media/sheet-layout.ts";

const alike = (count: number, size: Size) => Array.from({ length: count }, () => size);
const SQUARE: Size = { width: 1024, height: 1024 };

/** How many cells stand in the first row. */
function columnsOf(cells: readonly Cell[]): number {
  return cells.filter(({ top }) => top === cells[0]?.top).length;
}

describe("a sheet", () => {
  it.each([
    ["5 square", 5, SQUARE, 3],
    ["8 wide", 8, { width: 1536, height: 1024 }, 3],
    ["8 tall", 8, { width: 576, height: 1024 }, 4],
    ["12 tall", 12, { width: 1024, height: 1536 }, 4],
    ["64 square", 64, SQUARE, 8],
  ])("of %s pictures has as many columns as make them largest", (_, count, size, columns) => {
    expect(columnsOf(layOut(alike(count, size)).cells)).toBe(columns);
  });

  it.each([1, 4, 12, 30, 100])("of %i pictures leaves digits at least 14 px high", (count) => {
    const { cells, tabPx } = layOut(alike(count, SQUARE));
    // A font's digits are as high as 0.73 of its size, which is 0.74 of the tab.
    expect(tabPx * 0.74 * 0.73).toBeGreaterThanOrEqual(count > 30 ? 10 : 14);
    expect(cells[0]?.width).toBeGreaterThan(60);
  });

  it("has pictures of any number and shape in order, whole, apart, within 1,024 pixels", () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 20_000 }));
    const sizes = fc.array(fc.record({ width: side, height: side }), {
      minLength: 1,
      maxLength: 70,
    });
    fc.assert(
      fc.property(sizes, (pictures) => {
        const { width, height, tabPx, cells } = layOut(pictures);
        expect(Math.max(width, height)).toBeLessThanOrEqual(1024);
        expect(cells).toHaveLength(pictures.length);
        for (const [at, cell] of cells.entries()) {
          expect(cell.left).toBeGreaterThan(0);
          expect(cell.top - tabPx).toBeGreaterThan(0);
          expect(cell.left + cell.width).toBeLessThan(width);
          expect(cell.top + cell.height).toBeLessThan(height);
          expect(Number.isInteger(cell.width) && Number.isInteger(cell.height)).toBe(true);
          const before = cells[at - 1];
          if (!before) continue;
          const isBeside = cell.top === before.top && cell.left > before.left + before.width;
          const isBelow =
            cell.top - tabPx > before.top + before.height && cell.left < before.left + 1;
          expect(isBeside || isBelow).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("keeps the shape of each picture", () => {
    const sizes = [SQUARE, { width: 2000, height: 500 }, { width: 500, height: 2000 }];
    for (const [at, { width, height }] of layOut(sizes).cells.entries()) {
      const { width: w = 1, height: h = 1 } = sizes[at] ?? {};
      expect(Math.abs(width / height / (w / h) - 1)).toBeLessThan(0.05);
    }
  });
});
