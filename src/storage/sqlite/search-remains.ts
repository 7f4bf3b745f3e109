import * as z from "zod";
import type { Connection } from "./connection.ts";

/** Of no job and no turn: they count from 1. */
const NO_ROW = 0;

const hexRow = z.object({ hex: z.string() });

/**
 * Removes what FTS5 keeps of words that were deleted from one of its tables. It takes a word out of
 * the page that holds it, but the directory of pages goes on naming the beginning of a page's first
 * word, up to all of it, whether or not that is there any more. This is rare, and writing the index
 * anew, which takes about a second for 100,000 jobs, puts an end to it.
 */
export function removeRemains(db: Connection, table: string, deleted: ReadonlySet<string>): void {
  const directory = db
    .all(`SELECT DISTINCT hex(substr(term, 2)) AS hex FROM ${table}_idx`, [])
    .map((row) => hexRow.parse(row).hex);
  const beginnings = new Set([...deleted].flatMap(beginningsOf));
  if (!directory.some((hex) => beginnings.has(hex) && !isKnown(db, table, hex))) return;
  // An index that is in one piece is left as it is, so it gets another one to be joined with.
  db.run(`INSERT INTO ${table} (rowid, asked) VALUES (${NO_ROW}, 'x')`, []);
  db.run(`INSERT INTO ${table} (${table}) VALUES ('optimize')`, []);
  db.run(`DELETE FROM ${table} WHERE rowid = ${NO_ROW}`, []);
}

/** Whether a word that is still there begins so. */
function isKnown(db: Connection, table: string, hex: string): boolean {
  // FTS5 may have cut a character in half.
  const whole = Buffer.from(hex, "hex")
    .toString()
    .replace(/\uFFFD+$/, "");
  const rows = db.all(
    `SELECT 1 FROM ${table}_known WHERE term >= ? AND term < ? AND hex(term) >= ?
     AND hex(term) < ? LIMIT 1`,
    [whole, `${whole}\u{10FFFF}`, hex, `${hex}G`],
  );
  return rows.length > 0;
}

/** In hexadecimal; not of single bytes, which tell nothing. */
function beginningsOf(word: string): string[] {
  const hex = Buffer.from(word).toString("hex").toUpperCase();
  return Array.from({ length: hex.length / 2 }, (_, index) => hex.slice(0, 2 * index + 2)).slice(1);
}
