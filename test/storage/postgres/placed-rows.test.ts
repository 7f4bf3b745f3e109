import { describe, expect, it } from "vitest";
import type { PlacedRow } from "../../../src/moving/move-ends.ts";
import { MOVED_TABLES, type MovedTable } from "../../../src/moving/moved-tables.ts";
import type { Statements } from "../../../src/storage/postgres/database.ts";
import {
  digestOf,
  insertRows,
  storedRows,
  withoutTaken,
} from "../../../src/storage/postgres/placed-rows.ts";

const BASES = { bases: { jobs: 100, chat_turns: 1_000, audit_log: 10_000 } };

function table(name: string): MovedTable {
  const [found] = MOVED_TABLES.filter((one) => one.name === name);
  if (!found) expect.unreachable();
  return found;
}

const stored = (name: string, row: PlacedRow["row"]) =>
  storedRows(table(name), [{ at: 1, row }], BASES)[0];

describe("a row that moves", () => {
  it("gets a number beyond those that are given there, wherever it is named", () => {
    expect(stored("jobs", { seq: 7, created_at: 5 })).toEqual({ seq: 107, created_at: 5 });
    expect(stored("chat_turns", { seq: 7, is_open: 0 })).toEqual({ seq: 1_007, is_open: 0 });
    expect(stored("chat_threads", { latest: 7 })).toEqual({ latest: 1_007 });
    expect(stored("audit_log", { seq: 7 })).toEqual({ seq: 10_007 });
    expect(stored("refused_logins", { seq: 7, count: 3 })).toEqual({ seq: 10_007, count: 3 });
    expect(stored("users", { created_at: 7 })).toEqual({ created_at: 7 });
  });

  it("has no letters that the other database does not know, in JSON or out of it", () => {
    expect(stored("chat_parts", { answer: "a\0b\ud800c" })).toEqual({ answer: "a\ufffdb\ufffdc" });
    const input = JSON.stringify({ prompt: "a\0b", image_size: "square_1_1" });
    expect(input).toContain("\\u0000");
    const kept = stored("job_bodies", { input, wire: null });
    expect(JSON.parse(String(kept?.["input"]))).toEqual({
      ...{ prompt: "a\ufffdb", image_size: "square_1_1" },
    });
    // A pair is one letter, and what is no escape stays.
    const fine = JSON.stringify({ prompt: "\u{1F600} \\u12ab" });
    expect(stored("job_bodies", { input: fine, wire: null })).toEqual({ input: fine, wire: null });
  });

  it("is a bit of JSON on its way, bytes as the database reads them", async () => {
    const asked: [string, readonly unknown[]][] = [];
    const db = recording(asked);
    const content = new Uint8Array([0, 255, 16]);
    const row = { job_id: "a", position: 0, part: 1, created_at: 5, content };
    await insertRows(db, table("chat_file_parts"), [row]);
    const [sql = "", [given] = []] = asked[0] ?? [];
    expect(sql).toContain(
      "INSERT INTO chat_file_parts (job_id, position, part, created_at, content)",
    );
    expect(JSON.parse(String(given))).toEqual([{ ...row, content: "\\x00ff10" }]);
  });

  it("has of a turn what is looked for in columns of its own", async () => {
    const asked: [string, readonly unknown[]][] = [];
    const request = JSON.stringify({ prompt: "Hello", model: "LongCat", format: "openai" });
    const row = { seq: 1, job_id: "a", thread_id: "t", request, outcome: null, is_open: 0 };
    await insertRows(recording(asked), table("chat_turns"), [row]);
    const [sql = "", [given] = []] = asked[0] ?? [];
    expect(sql).toContain("OVERRIDING SYSTEM VALUE");
    expect(JSON.parse(String(given))).toEqual([{ ...row, prompt: "Hello", model: "LongCat" }]);
  });

  it("claims no request that another job there has claimed", async () => {
    const db = recording([], [{ request_claim: "taken" }]);
    const rows = [{ request_claim: "taken" }, { request_claim: "free" }, { request_claim: null }];
    expect(await withoutTaken(db, table("jobs"), rows)).toEqual([
      ...[{ request_claim: null }, { request_claim: "free" }, { request_claim: null }],
    ]);
    expect(await withoutTaken(db, table("users"), rows)).toBe(rows);
  });
});

describe("the digest of rows", () => {
  const file = table("chat_file_parts");
  const row = { job_id: "a", position: 0, part: 1, created_at: 5, content: new Uint8Array([1]) };

  it("is the same in any order, of any view of bytes, and of what is not compared", () => {
    const other = { ...row, part: 2 };
    expect(digestOf(file, [row, other])).toBe(digestOf(file, [other, row]));
    const viewed = { ...row, content: Buffer.from([1]), model: "x" };
    expect(digestOf(file, [viewed])).toBe(digestOf(file, [row]));
  });

  it.each([
    ["another text", { job_id: "b" }],
    ["another number", { part: 2 }],
    ["other bytes", { content: new Uint8Array([2]) }],
    ["a number that is a text", { part: "1" }],
    ["nothing", { created_at: null }],
  ])("differs for %s", (_, change) => {
    expect(digestOf(file, [{ ...row, ...change }])).not.toBe(digestOf(file, [row]));
    expect(digestOf(file, [row, row])).not.toBe(digestOf(file, [row]));
  });
});

/** Notes what it is asked, and answers the same always. */
function recording(asked: [string, readonly unknown[]][], answer: unknown[] = []): Statements {
  return {
    async all(sql, values) {
      asked.push([sql, values]);
      return answer;
    },
    async run() {},
    async lock() {},
  };
}
