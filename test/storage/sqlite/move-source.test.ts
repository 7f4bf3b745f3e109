import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { setMovedMark } from "../../../src/core/moved-mark.ts";
import { everyRow, keysOf } from "../../../src/moving/move.ts";
import { MOVED_TABLES, type MovedTable } from "../../../src/moving/moved-tables.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import {
  hasRecord,
  holdRecord,
  openSnapshot,
  removeSnapshot,
} from "../../../src/storage/sqlite/move-snapshot.ts";
import { SqliteMoveSource } from "../../../src/storage/sqlite/sqlite-move-source.ts";
import { tempDir } from "../../support/temp-dir.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await tempDir(), "data");
  await mkdir(folder);
});

async function stored(version: number): Promise<Buffer> {
  const name = `../../fixtures/jobs-v${version}.db.gz`;
  const bytes = gunzipSync(await readFile(join(import.meta.dirname, name)));
  await writeFile(join(folder, "jobs.db"), bytes);
  return bytes;
}

function opened(id?: string): SqliteMoveSource {
  const held = holdRecord(folder);
  const source = new SqliteMoveSource(openSnapshot(folder, held), id);
  held.close();
  onTestFinished(() => source.close());
  return source;
}

function table(name: string): MovedTable {
  const [found] = MOVED_TABLES.filter((one) => one.name === name);
  if (!found) expect.unreachable();
  return found;
}

const letters = (source: SqliteMoveSource, part: "settled" | "under way", name = "jobs") =>
  [...everyRow(source, table(name), part)].flat().map(({ row }) => String(row["job_id"]).at(-1));

describe("a copy of a record", () => {
  it.each([5, 16])(
    "of version %i is of the newest, and the record stays as it is",
    async (version) => {
      const before = await stored(version);
      const source = opened();
      expect(before.equals(await readFile(join(folder, "jobs.db")))).toBe(true);
      expect((await readdir(folder)).sort()).toEqual(["jobs.db", "moving"]);
      expect(keysOf(source, table("jobs"))).toHaveLength(11);
      source.close();
      removeSnapshot(folder);
      expect(await readdir(folder)).toEqual(["jobs.db"]);
    },
  );

  it("is not made while somebody has the record open, busy or idle", async () => {
    await stored(16);
    const inUse = new Connection(folder);
    expect(() => holdRecord(folder)).toThrow(/A longcat-mcp uses .*: end every one of them/);
    inUse.close();
  });

  it("is made by one process alone, while nobody else can use the record, marked or not", async () => {
    await stored(16);
    const held = holdRecord(folder);
    expect(() => holdRecord(folder)).toThrow(/other `longcat-mcp migrate` included/);
    const another = new DatabaseSync(join(folder, "jobs.db"));
    expect(() => another.exec("SELECT * FROM jobs")).toThrow(/locked/);
    held.close();
    another.exec("SELECT * FROM jobs");
    another.close();
    holdRecord(folder).close();
  });

  it("is not put in place before it is whole", async () => {
    await stored(16);
    await mkdir(join(folder, "moving", "jobs.db.draft"), { recursive: true });
    const held = holdRecord(folder);
    expect(() => openSnapshot(folder, held)).toThrow(/cannot be copied: .*moving\/jobs\.db: /);
    await rm(join(folder, "moving"), { recursive: true });
    await mkdir(join(folder, "moving"));
    await writeFile(join(folder, "moving", "jobs.db.draft"), "what was left by a kill");
    const source = new SqliteMoveSource(openSnapshot(folder, held));
    expect(keysOf(source, table("jobs"))).toHaveLength(11);
    source.close();
    held.close();
  });

  it("is made where the record is marked, which nobody can open any more", async () => {
    await stored(16);
    setMovedMark(folder, { to: "there", isWhole: false });
    expect(() => new Connection(folder)).toThrow(/is being moved/);
    expect(opened().count(table("jobs"), "settled")).toBeGreaterThan(0);
  });

  it("needs a record", async () => {
    expect(hasRecord(folder)).toBe(false);
    await writeFile(join(folder, "jobs.db"), "");
    expect(hasRecord(folder)).toBe(false);
    await stored(16);
    expect(hasRecord(folder)).toBe(true);
    await writeFile(join(folder, "jobs.db"), "no database, and long enough to be taken for one");
    expect(() => holdRecord(folder)).toThrow(/cannot be copied: .*jobs\.db: /);
  });
});

describe("the rows of a record", () => {
  it("are apart: what is under way, or looked for, and all else", async () => {
    await stored(16);
    const source = opened();
    expect(letters(source, "under way").join("")).toBe("abcdh");
    expect(letters(source, "settled").join("")).toBe("efgijk");
    for (const one of MOVED_TABLES) {
      const parts = ["settled", "under way"] as const;
      for (const part of parts) {
        const rows = [...everyRow(source, one, part)].flat();
        expect(rows).toHaveLength(source.count(one, part));
        for (const { row } of rows) expect(Object.keys(row)).toEqual([...one.columns]);
      }
    }
    expect(letters(source, "under way", "job_bodies").join("")).toBe("abcdh");
  });

  it("come from any place on, and with what they are named by", async () => {
    await stored(16);
    const source = opened();
    const [first, second] = source.rows(table("jobs"), "settled", 0);
    expect(source.rows(table("jobs"), "settled", first?.at ?? 0)[0]).toEqual(second);
    expect(first?.beside).toBe("A boat that is completed");
    const [turn] = source.rows(table("chat_turns"), "settled", 0);
    expect(JSON.parse(turn?.beside ?? "")).toEqual(["notes.txt"]);
  });

  it("are known as one record's, whichever copy they are of", async () => {
    await stored(16);
    const one = opened();
    one.close();
    removeSnapshot(folder);
    expect(opened().id).toBe(one.id);
    removeSnapshot(folder);
    expect(opened("known-as-this").id).toBe("known-as-this");
  });

  it("say who owns them, who can call, and what keeps from buying again", async () => {
    await stored(14);
    const source = opened();
    expect(source.closedAt()).toBeTypeOf("number");
    expect(source.owners()).toContain("local");
    expect(source.highest("jobs")).toBeGreaterThan(0);
    source.close();
    removeSnapshot(folder);
    await stored(16);
    const other = opened();
    expect(other.closedAt()).toBeUndefined();
    expect(other.users()).toEqual([]);
    expect(other.answered()).toEqual([]);
    expect(other.needHosting()).toBe(2);
    expect(other.protecting(Date.UTC(2026, 11, 1))).toEqual({ jobs: 5, untilMs: undefined });
  });
});
