/** The longest side of a sheet in pixels: what a preview may have, so that none is shrunk again. */
const LONGEST_PX = 1024;
const GAP_PX = 10;
/** The height of the tab with a picture's number, by how many pictures share a sheet, at most. */
const TABS: readonly (readonly [pictures: number, px: number])[] = [
  [12, 32],
  [30, 26],
  [Number.POSITIVE_INFINITY, 20],
];
/** A picture that is longer than this is fitted into a cell of this shape. */
const LONGEST_SHAPE = 2.5;

export interface Size {
  width: number;
  height: number;
}

/** Where one picture lies, and above its upper left corner the tab with its number. */
export interface Cell extends Size {
  left: number;
  /** Of the picture; the tab ends here. */
  top: number;
}

export interface SheetLayout extends Size {
  tabPx: number;
  /** How wide a tab may be. */
  cellPx: number;
  /** In the order of the pictures; each as large as its picture is drawn. */
  cells: Cell[];
}

/**
 * Places pictures in rows, as large as a sheet allows: in as many columns as their usual shape asks
 * for, each whole, and each with its tab above it so that nothing of it is covered.
 * @param sizes of the pictures in pixels; of at least one.
 */
export function layOut(sizes: readonly Size[]): SheetLayout {
  const tabPx = TABS.find(([most]) => sizes.length <= most)?.[1] ?? 0;
  const { columns, box } = bestGrid(sizes.length, usualShape(sizes), tabPx);
  const cells: Cell[] = [];
  let bottom = 0;
  for (let first = 0; first < sizes.length; first += columns) {
    const row = sizes.slice(first, first + columns).map((size) => fitted(size, box));
    const top = bottom + GAP_PX + tabPx;
    for (const [column, size] of row.entries()) {
      cells.push({ ...size, top, left: GAP_PX + column * (box.width + GAP_PX) });
    }
    bottom = top + Math.max(...row.map(({ height }) => height));
  }
  const width = GAP_PX + columns * (box.width + GAP_PX);
  return { width, height: bottom + GAP_PX, tabPx, cellPx: box.width, cells };
}

/** The grid whose cells are largest. */
function bestGrid(count: number, shape: number, tabPx: number): { columns: number; box: Size } {
  let best = { columns: 1, box: { width: 0, height: 0 } };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const width = (LONGEST_PX - GAP_PX) / columns - GAP_PX;
    const height = (LONGEST_PX - GAP_PX) / rows - GAP_PX - tabPx;
    const fits = Math.floor(Math.min(width, height * shape));
    if (fits <= best.box.width) continue;
    best = { columns, box: { width: fits, height: Math.max(1, Math.floor(fits / shape)) } };
  }
  return best;
}

/** Width by height, in the middle of all. */
function usualShape(sizes: readonly Size[]): number {
  const logs = sizes.map(({ width, height }) => Math.log(width / height));
  const mean = Math.exp(logs.reduce((sum, one) => sum + one, 0) / logs.length);
  return Math.min(LONGEST_SHAPE, Math.max(1 / LONGEST_SHAPE, mean));
}

/** As large as a box allows, small ones enlarged: a sheet is for looking. */
function fitted({ width, height }: Size, box: Size): Size {
  const scale = Math.min(box.width / width, box.height / height);
  const px = (side: number, most: number) => Math.min(most, Math.max(1, Math.round(side * scale)));
  return { width: px(width, box.width), height: px(height, box.height) };
}
