import { roomOf } from "./check.ts";
import { layoutOf, type Piece, type Spot } from "./layout.ts";
import type { Module } from "./modules.ts";
import type { Room } from "./rules.ts";

const MARGIN = 24;
const BOX_HEIGHT = 56;
const FLOOR_HEIGHT = 108;
const NAME_SIZE = 15;
const ABOUT_SIZE = 12;
/** Of a character of this font, in parts of its size; boxes are made to fit. */
const CHARACTER_WIDTH = 0.54;
const PADDING = 24;
/** How far from its edges a box lets lines begin and end. */
const PORT_MARGIN = 16;
const HEAD = 3;

/**
 * The layers as a picture (SVG): a box a room, higher ones above those they import; a line where a
 * room imports another that it does not reach through a third.
 */
export function layersPicture(modules: readonly Module[], house: readonly Room[]): string {
  const rooms = outerRooms(house);
  const about = new Map(rooms.map((room) => [room.path, room.about]));
  const widths = new Map(rooms.map((room) => [room.path, widthOf(room)]));
  const { spots, pieces, floors } = layoutOf(usesOf(modules, rooms), widths);
  const left = Math.min(...spots.map(({ x, width }) => x - width / 2)) - MARGIN;
  const right = Math.max(...spots.map(({ x, width }) => x + width / 2)) + MARGIN;
  const width = Math.ceil(right - left);
  const height = (floors - 1) * FLOOR_HEIGHT + BOX_HEIGHT + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${Math.floor(left)} 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The layers of longcat-mcp">
<style>
.paper { fill: #ffffff } .box { fill: #f2f6f4; stroke: #2f6f5e } .name { fill: #14332b } .about { fill: #4a5f58 } .line { stroke: #6f8f85; stroke-width: 1.4; fill: none } .head { fill: #6f8f85 }
@media (prefers-color-scheme: dark) { .paper { fill: #10201b } .box { fill: #1b332b; stroke: #6fbfa6 } .name { fill: #e6f4ef } .about { fill: #a9c4ba } .line { stroke: #7fa99b } .head { fill: #7fa99b } }
text { font-family: ui-sans-serif, system-ui, sans-serif; text-anchor: middle }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 L8 4 L0 8 Z"/></marker></defs>
<rect class="paper" x="${Math.floor(left)}" width="${width}" height="${height}" rx="10"/>
${spots
  .filter(({ isBox }) => !isBox)
  .map(passing)
  .join("\n")}
${pieces.map((piece) => line(piece, pieces)).join("\n")}
${spots
  .filter(({ isBox }) => isBox)
  .map((spot) => box(spot, about.get(spot.of) ?? ""))
  .join("\n")}
</svg>
`;
}

/** The rooms that lie in no other: a file with rules of its own is drawn as part of its folder. */
export function outerRooms(rooms: readonly Room[]): Room[] {
  return rooms.filter(
    ({ path }) =>
      !rooms.some((other) => other.path !== path && path.startsWith(asFolder(other.path))),
  );
}

function asFolder(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

/** A room's name as people say it. */
export function labelOf(path: string): string {
  return path.replace(/^src\//, "").replace(/\/$/, "");
}

/** Which rooms each room really imports. */
function usesOf(modules: readonly Module[], rooms: readonly Room[]): Map<string, Set<string>> {
  const uses = new Map(rooms.map(({ path }) => [path, new Set<string>()]));
  for (const { path, imports } of modules) {
    const from = roomOf(path, rooms);
    for (const imported of imports) {
      const to = roomOf(imported, rooms);
      if (from && to && from !== to) uses.get(from.path)?.add(to.path);
    }
  }
  return uses;
}

function widthOf({ path, about }: Room): number {
  const longest = Math.max(labelOf(path).length * NAME_SIZE, about.length * ABOUT_SIZE);
  return Math.ceil(longest * CHARACTER_WIDTH) + PADDING;
}

function topOf({ floor }: Spot): number {
  return MARGIN + floor * FLOOR_HEIGHT;
}

/** Where a line passes a floor on which it has no box. */
function passing(spot: Spot): string {
  const x = round(spot.x);
  return `<path class="line" d="M${x} ${topOf(spot)} V${topOf(spot) + BOX_HEIGHT}"/>`;
}

function line(piece: Piece, pieces: readonly Piece[]): string {
  const { from, to } = piece;
  const leaving = pieces.filter((one) => one.from === from).sort((a, b) => a.to.x - b.to.x);
  const coming = pieces.filter((one) => one.to === to).sort((a, b) => a.from.x - b.from.x);
  const x1 = round(portOf(from, leaving.indexOf(piece), leaving.length));
  const x2 = round(portOf(to, coming.indexOf(piece), coming.length));
  const y1 = topOf(from) + BOX_HEIGHT;
  const y2 = topOf(to) - (to.isBox ? HEAD : 0);
  const half = round((y1 + y2) / 2);
  const head = to.isBox ? ' marker-end="url(#head)"' : "";
  return `<path class="line" d="M${x1} ${y1} C${x1} ${half} ${x2} ${half} ${x2} ${y2}"${head}/>`;
}

/** Lines share the width of a box; where a line only passes, they meet. */
function portOf({ x, width, isBox }: Spot, place: number, count: number): number {
  if (!isBox) return x;
  const step = Math.min(26, (width - 2 * PORT_MARGIN) / Math.max(1, count - 1));
  return x + (place - (count - 1) / 2) * step;
}

function box(spot: Spot, about: string): string {
  const x = round(spot.x);
  const y = topOf(spot);
  return `<rect class="box" x="${round(spot.x - spot.width / 2)}" y="${y}" width="${spot.width}" height="${BOX_HEIGHT}" rx="8"/><text class="name" x="${x}" y="${y + 24}" font-size="${NAME_SIZE}" font-weight="600">${labelOf(spot.of)}</text><text class="about" x="${x}" y="${y + 43}" font-size="${ABOUT_SIZE}">${escaped(about)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
