import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { LEFT_SHADOWS, LEFT_TABLES, MOVED_TABLES } from "../../../src/moving/moved-tables.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { tablesOf } from "../../../src/storage/sqlite/sqlite-move-source.ts";
import { tempDir } from "../../support/temp-dir.ts";

let db: Connection;
beforeEach(async () => {
  const folder = join(await tempDir(), "data");
  await mkdir(folder);
  db = new Connection(folder);
  onTestFinished(() => db.close());
});

const columnRow = z.object({ name: z.string() });
const columnsOf = (table: string) =>
  db
    .all("SELECT name FROM pragma_table_info(?)", [table])
    .map((row) => columnRow.parse(row).name)
    .sort();

/*
 * A table or a column that a later version adds has to be named: whether it goes along with a
 * record that moves, or stays behind, and why.
 */
describe("what goes along with a record", () => {
  it("is every table, but for those that are named as left", () => {
    const moved = MOVED_TABLES.map(({ name }) => name);
    const known = [...moved, ...Object.keys(LEFT_TABLES)];
    const tables = tablesOf(db).filter((name) => !LEFT_SHADOWS.test(name));
    expect(tables.sort()).toEqual([...known].sort());
    expect(new Set(known).size).toBe(known.length);
  });

  it("is every column of them, but for those that are named as left", () => {
    for (const table of MOVED_TABLES) {
      const { name, columns, left = {}, key, json = [], numbers = {}, isOwned, isNumbered } = table;
      const known = [...columns, ...Object.keys(left)];
      expect([...known].sort(), name).toEqual(columnsOf(name));
      const special = [key ?? "seq", ...json, ...Object.keys(numbers)];
      for (const one of special) expect(columns, name).toContain(one);
      expect(columns.includes("owner"), name).toBe(isOwned === true);
      if (isNumbered) expect(columns, name).toContain("seq");
    }
  });

  it("leaves nothing without a reason", () => {
    const reasons = [LEFT_TABLES, ...MOVED_TABLES.map(({ left = {} }) => left)];
    for (const reason of reasons.flatMap((one) => Object.values(one))) {
      expect(reason.length).toBeGreaterThan(10);
    }
  });
});
