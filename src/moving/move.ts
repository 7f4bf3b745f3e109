import { AppError } from "../core/errors.ts";
import type { Move, MoveSource, MoveTarget, Part, PlacedRow } from "./move-ends.ts";
import type { MovedFiles } from "./moved-files.ts";
import { MOVED_TABLES, type MovedTable } from "./moved-tables.ts";

export interface MoveParts {
  source: MoveSource;
  target: MoveTarget;
  /** Whose everything is here that is nobody's in particular. */
  localOwner: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** A line for whoever watches. */
  say: (text: string) => void;
}

/** What went along, by table. */
export interface MovedSum {
  rows: ReadonlyMap<string, number>;
}

const NOTHING_YET = { upTo: 0, rows: 0, digest: "" } as const;
const KEYS_AT_ONCE = 1_000;

/**
 * Copies a record, from wherever an earlier try has come to. What is under way goes last and all at
 * once, so that nobody follows it before everything is there.
 * @throws {storage} where the target cannot be used, or does not keep what it is given
 */
export async function copyRecord(
  parts: MoveParts & { files: MovedFiles; move: Move },
): Promise<MovedSum> {
  const { source, target, say, now } = parts;
  const rows = new Map<string, number>();
  for (const table of MOVED_TABLES) rows.set(table.name, await copySettled(parts, table));
  const underWay: (readonly [MovedTable, PlacedRow[]])[] = [];
  for (const table of MOVED_TABLES) {
    const last = await movedRows(parts, table, "under way");
    underWay.push([table, last]);
    rows.set(table.name, (rows.get(table.name) ?? 0) + last.length);
  }
  await target.finish(source.id, underWay, now());
  for (const table of MOVED_TABLES) {
    const count = rows.get(table.name) ?? 0;
    await requireAll(parts, table, count);
    if (count > 0) say(`${table.name}: ${count} rows, compared`);
  }
  return { rows };
}

/**
 * Compares a record that went before, where nobody could hear that it had: as long as nothing has
 * become of it, everything has to be there.
 * @throws {storage} where something is missing
 */
export async function compareMoved(parts: MoveParts & { move: Move }): Promise<MovedSum> {
  const { source, target, localOwner, move, say } = parts;
  const jobs = MOVED_TABLES.filter(({ name }) => name === "jobs");
  const jobIds = jobs.flatMap((table) => keysOf(source, table));
  const owners = source.owners().map((one) => (one === localOwner ? move.localOwner : one));
  const isAsItCame = !(await target.hasFollowed(source.id, jobIds, owners));
  const rows = new Map<string, number>();
  for (const table of MOVED_TABLES) {
    const count = source.count(table, "settled") + source.count(table, "under way");
    rows.set(table.name, count);
    if (!isAsItCame || count === 0) continue;
    await requireAll(parts, table, count);
    say(`${table.name}: ${count} rows, compared`);
  }
  return { rows };
}

/** All rows of a table and a part. */
export function* everyRow(
  source: MoveSource,
  table: MovedTable,
  part: Part,
  after = 0,
): Generator<PlacedRow[]> {
  for (let at = after; ; ) {
    const rows = source.rows(table, part, at);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    at = last.at;
  }
}

async function copySettled(
  parts: MoveParts & { files: MovedFiles; move: Move },
  table: MovedTable,
): Promise<number> {
  const { source, target, move } = parts;
  let progress = move.tables.get(table.name) ?? NOTHING_YET;
  for (const rows of everyRow(source, table, "settled", progress.upTo)) {
    const moved = await translated(parts, table, rows);
    progress = await target.put(source.id, table, moved, progress);
  }
  return progress.rows;
}

async function movedRows(
  parts: MoveParts & { files: MovedFiles; move: Move },
  table: MovedTable,
  part: Part,
): Promise<PlacedRow[]> {
  const all: PlacedRow[] = [];
  for (const rows of everyRow(parts.source, table, part)) {
    all.push(...(await translated(parts, table, rows)));
  }
  return all;
}

/** With the owner that they have from now on, and what the target calls their files. */
async function translated(
  { move, localOwner, files }: MoveParts & { files: MovedFiles; move: Move },
  table: MovedTable,
  rows: readonly PlacedRow[],
): Promise<PlacedRow[]> {
  const all: PlacedRow[] = [];
  for (const { row, ...place } of rows) {
    const owner = table.isOwned && row["owner"] === localOwner ? move.localOwner : row["owner"];
    const owned = table.isOwned && owner !== undefined ? { ...row, owner } : row;
    const media =
      table.name === "jobs"
        ? {
            media: await files.move(String(row["media"]), {
              jobId: String(row["job_id"]),
              operation: String(row["operation"]),
              createdAt: Number(row["created_at"]),
              words: place.beside ?? "",
              before: String(row["owner"]),
              after: String(owner),
            }),
          }
        : {};
    all.push({ ...place, row: { ...owned, ...media } });
  }
  return all;
}

/** @throws {storage} where a row of the source is not at the target */
async function requireAll(
  { source, target }: MoveParts,
  table: MovedTable,
  count: number,
): Promise<void> {
  const expected = source.count(table, "settled") + source.count(table, "under way");
  // What only grows has its number from here, and nobody can take it away.
  const found =
    table.key === undefined ? expected : await countOf(target, table, keysOf(source, table));
  if (found >= expected && count === expected) return;
  throw new AppError(
    "storage",
    `Of ${table.name}, ${Math.min(found, count)} of ${expected} rows are at ${target.shown}.`,
    { next: "The record here stays as it is. Run this again; if it stays so, `--undo`." },
  );
}

/** By which the rows of a table are found again. */
export function keysOf(source: MoveSource, table: MovedTable): string[] {
  const keys = new Set<string>();
  for (const part of ["settled", "under way"] as const) {
    for (const rows of everyRow(source, table, part)) {
      for (const { row } of rows) keys.add(String(row[table.key ?? ""]));
    }
  }
  return [...keys];
}

async function countOf(
  target: MoveTarget,
  table: MovedTable,
  keys: readonly string[],
): Promise<number> {
  let found = 0;
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    found += await target.countOf(table, keys.slice(from, from + KEYS_AT_ONCE));
  }
  return found;
}
