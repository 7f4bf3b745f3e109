/** Something that stands on a floor: a box, or the place where a line passes between boxes. */
export interface Spot {
  /** What the line leads to, or the box itself. */
  of: string;
  isBox: boolean;
  floor: number;
  width: number;
  /** Of its middle. */
  x: number;
}

/** A piece of a line, from one floor to the next one down. */
export interface Piece {
  from: Spot;
  to: Spot;
}

export interface Layout {
  spots: readonly Spot[];
  pieces: readonly Piece[];
  floors: number;
}

const GAP = 22;
/** Between two lines, or a line and a box. */
const LANE_GAP = 12;
const SWEEPS = 24;

/**
 * Places boxes on floors, so that every line leads down and between the boxes, not behind them:
 * layers by the longest way to the ground, order by the middle of the neighbours.
 * @param leaning what each box leans on; of a circle, the line that closes it is left out.
 */
export function layoutOf(
  leaning: ReadonlyMap<string, ReadonlySet<string>>,
  widths: ReadonlyMap<string, number>,
): Layout {
  const uses = withoutCircles(leaning);
  const heights = heightsOf(uses);
  const top = Math.max(...heights.values());
  const floors: Spot[][] = Array.from({ length: top + 1 }, () => []);
  const pieces: Piece[] = [];
  const spotOf = (of: string, floor: number): Spot => {
    const known = floors[floor]?.find((spot) => spot.of === of);
    if (known) return known;
    const isBox = floor === top - (heights.get(of) ?? 0);
    const spot = { of, isBox, floor, width: isBox ? (widths.get(of) ?? 0) : 0, x: 0 };
    floors[floor]?.push(spot);
    return spot;
  };
  for (const from of uses.keys()) spotOf(from, top - (heights.get(from) ?? 0));
  for (const from of uses.keys()) {
    for (const to of directUses(from, uses)) {
      // Lines to the same box run together as soon as they meet.
      let at = spotOf(from, top - (heights.get(from) ?? 0));
      while (!(at.isBox && at.of === to)) {
        const next = spotOf(to, at.floor + 1);
        if (!pieces.some((piece) => piece.from === at && piece.to === next)) {
          pieces.push({ from: at, to: next });
        }
        at = next;
      }
    }
  }
  order(floors, pieces);
  spread(floors, pieces);
  straighten(floors);
  return { spots: floors.flat(), pieces, floors: top + 1 };
}

function withoutCircles(
  uses: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const kept = new Map([...uses.keys()].map((name) => [name, new Set<string>()]));
  const seen = new Set<string>();
  const visit = (name: string, way: readonly string[]) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const next of uses.get(name) ?? []) {
      if (next === name || way.includes(next)) continue;
      kept.get(name)?.add(next);
      visit(next, [...way, name]);
    }
  };
  for (const name of uses.keys()) visit(name, []);
  return kept;
}

/** How many floors lie below each box. */
function heightsOf(uses: ReadonlyMap<string, ReadonlySet<string>>): Map<string, number> {
  const heights = new Map<string, number>();
  const heightOf = (name: string): number => {
    const known = heights.get(name);
    if (known !== undefined) return known;
    const height = Math.max(-1, ...[...(uses.get(name) ?? [])].map(heightOf)) + 1;
    heights.set(name, height);
    return height;
  };
  for (const name of uses.keys()) heightOf(name);
  return heights;
}

/** What a box leans on and does not reach through another that it leans on. */
function directUses(name: string, uses: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const own = [...(uses.get(name) ?? [])];
  const reached = new Set<string>();
  const visit = (at: string) => {
    for (const next of uses.get(at) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      visit(next);
    }
  };
  for (const one of own) visit(one);
  return own.filter((one) => !reached.has(one));
}

/** Sorts each floor so that few lines cross. */
function order(floors: Spot[][], pieces: readonly Piece[]): void {
  let best = floors.map((floor) => [...floor]);
  let fewest = crossings(floors, pieces);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    for (const floor of isDown ? floors.slice(1) : floors.slice(0, -1).reverse()) {
      const places = new Map(floors.flatMap((one) => one.map((spot, place) => [spot, place])));
      const middle = (spot: Spot) =>
        mean(neighbours(spot, pieces, isDown).map((one) => places.get(one) ?? 0)) ??
        places.get(spot) ??
        0;
      const wanted = new Map(floor.map((spot) => [spot, middle(spot)]));
      floor.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
    }
    const count = crossings(floors, pieces);
    if (count < fewest) {
      fewest = count;
      best = floors.map((floor) => [...floor]);
    }
  }
  for (const [place, floor] of best.entries()) floors[place] = floor;
}

function crossings(floors: readonly (readonly Spot[])[], pieces: readonly Piece[]): number {
  const places = new Map(floors.flatMap((one) => one.map((spot, place) => [spot, place])));
  const placed = pieces.map(({ from, to }) => ({
    floor: from.floor,
    a: places.get(from) ?? 0,
    b: places.get(to) ?? 0,
  }));
  return placed.reduce(
    (sum, one, position) =>
      sum +
      placed
        .slice(position + 1)
        .filter((other) => other.floor === one.floor && (other.a - one.a) * (other.b - one.b) < 0)
        .length,
    0,
  );
}

/** Moves every spot as near to the middle of its neighbours as those beside it let it. */
function spread(floors: readonly (readonly Spot[])[], pieces: readonly Piece[]): void {
  for (const floor of floors) pushApart(floor);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    for (const floor of isDown ? floors : [...floors].reverse()) {
      for (const spot of floor) {
        spot.x = mean(neighbours(spot, pieces, isDown).map(({ x }) => x)) ?? spot.x;
      }
      pushApart(floor);
    }
  }
}

/** Lets a line that passes several floors run straight down where there is room for it. */
function straighten(floors: readonly (readonly Spot[])[]): void {
  const passing = floors.flat().filter(({ isBox }) => !isBox);
  for (const name of new Set(passing.map(({ of }) => of))) {
    const lane = passing.filter(({ of }) => of === name);
    const rooms = lane.map((spot) => roomFor(spot, floors[spot.floor] ?? []));
    const left = Math.max(...rooms.map(([from]) => from));
    const right = Math.min(...rooms.map(([, to]) => to));
    if (left > right) continue;
    const wanted = mean(lane.map(({ x }) => x)) ?? 0;
    for (const spot of lane) spot.x = Math.min(right, Math.max(left, wanted));
  }
}

/** Between which places a spot can move without touching those beside it. */
function roomFor(spot: Spot, floor: readonly Spot[]): [number, number] {
  const place = floor.indexOf(spot);
  const [before, after] = [floor[place - 1], floor[place + 1]];
  return [
    before ? before.x + distance(before, spot) : Number.NEGATIVE_INFINITY,
    after ? after.x - distance(spot, after) : Number.POSITIVE_INFINITY,
  ];
}

/** Keeps the order of a floor and lets nothing overlap, with as little movement as it takes. */
function pushApart(floor: readonly Spot[]): void {
  const wanted = floor.map(({ x }) => x);
  for (const [place, spot] of floor.entries()) {
    const before = floor[place - 1];
    if (before) spot.x = Math.max(spot.x, before.x + distance(before, spot));
  }
  const shift = mean(floor.map(({ x }, place) => x - (wanted[place] ?? 0))) ?? 0;
  for (const spot of floor) spot.x -= shift;
}

function distance(left: Spot, right: Spot): number {
  return (left.width + right.width) / 2 + (left.isBox && right.isBox ? GAP : LANE_GAP);
}

function neighbours(spot: Spot, pieces: readonly Piece[], isAbove: boolean): Spot[] {
  return pieces.flatMap(({ from, to }) => {
    if (isAbove) return to === spot ? [from] : [];
    return from === spot ? [to] : [];
  });
}

function mean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
