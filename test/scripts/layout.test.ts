import { describe, expect, it } from "vitest";
import { HOUSE } from "../../scripts/architecture/house.ts";
import { layoutOf, type Spot } from "../../scripts/architecture/layout.ts";
import { readModules } from "../../scripts/architecture/modules.ts";
import { labelOf, layersPicture, outerRooms } from "../../scripts/architecture/picture.ts";

const graph = (lines: Readonly<Record<string, readonly string[]>>) =>
  new Map(Object.entries(lines).map(([name, uses]) => [name, new Set(uses)]));
const widths = (names: Iterable<string>) => new Map([...names].map((name) => [name, 100]));

const uses = graph({
  top: ["left", "right", "ground", "side"],
  left: ["low", "ground"],
  right: ["low"],
  side: ["ground"],
  low: ["ground"],
  ground: [],
});

describe("the layout of the layers", () => {
  const { spots, pieces, floors } = layoutOf(uses, widths(uses.keys()));
  const box = (name: string) => spots.find((spot) => spot.of === name && spot.isBox);
  const sides = ({ x, width }: Spot) => [x - width / 2, x + width / 2] as const;

  it("puts each box above all that it leans on, and each once", () => {
    expect(floors).toBe(4);
    expect(spots.filter(({ isBox }) => isBox)).toHaveLength(uses.size);
    for (const [name, below] of uses) {
      for (const other of below) {
        expect(box(name)?.floor).toBeLessThan(box(other)?.floor ?? -1);
      }
    }
  });

  it("leads every line from one floor to the next, past the boxes between", () => {
    for (const { from, to } of pieces) expect(to.floor - from.floor).toBe(1);
    const passing = spots.filter(({ isBox }) => !isBox);
    expect(passing.length).toBeGreaterThan(0);
    for (const one of spots) {
      for (const other of spots) {
        if (one === other || one.floor !== other.floor || one.x > other.x) continue;
        expect(sides(one)[1]).toBeLessThan(sides(other)[0]);
      }
    }
  });

  it("draws no line for what is reached through another box", () => {
    const leaving = pieces.filter(({ from }) => from === box("top")).map(({ to }) => to.of);
    expect(leaving.sort()).toEqual(["left", "right", "side"]);
  });
});

describe("the layout of a circle", () => {
  it("leaves out the line that closes it", () => {
    const circle = graph({ one: ["two"], two: ["three"], three: ["one"] });
    const { floors, pieces } = layoutOf(circle, widths(circle.keys()));
    expect(floors).toBe(3);
    expect(pieces).toHaveLength(2);
  });
});

describe("the picture of the layers", () => {
  it("shows every room that the program has, with what it is", async () => {
    const picture = layersPicture(await readModules(".", "src"), HOUSE.rooms);
    const missing = outerRooms(HOUSE.rooms).filter(
      ({ path }) => !picture.includes(`>${labelOf(path)}</text>`),
    );
    expect(missing).toEqual([]);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  });
});
