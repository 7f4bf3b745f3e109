import { createHash } from "node:crypto";
import * as z from "zod";
import type { Move, MovedRow, PlacedRow } from "../../moving/move-ends.ts";
import type { MovedTable } from "../../moving/moved-tables.ts";
import { LISTED_PROMPT_CHARACTERS, readWholeRow } from "../rows/job-rows.ts";
import { LISTED, type Statements, storedJson, storedText } from "./database.ts";
import { writeJobWords, writeTurnWords } from "./found-words.ts";

/** What JSON may say and PostgreSQL does not know: NUL, and perhaps half of a pair. */
const UNKNOWN_ESCAPES = /\\u(?:0000|d[89a-f])/i;

const askedRow = z.object({ prompt: z.string(), model: z.string() });
const namesSchema = z.array(z.string());
const wordsRow = z.looseObject({ task: z.string().nullable(), is_emptied: z.boolean() });
const claimRow = z.object({ request_claim: z.string() });
const turnRow = z.object({ seq: z.number(), job_id: z.string(), prompt: z.string() });

/** Rows as this database has them: under their new numbers, and without what it knows no letter for. */
export function storedRows(
  table: MovedTable,
  rows: readonly PlacedRow[],
  { bases }: Pick<Move, "bases">,
) {
  const { name, json = [], numbers = {}, isNumbered } = table;
  const base = (of: string) => Object.entries(bases).find(([one]) => one === of)?.[1] ?? 0;
  const raised: Readonly<Record<string, number>> = {
    ...Object.fromEntries(Object.entries(numbers).map(([column, of]) => [column, base(of)])),
    ...(isNumbered ? { seq: base(name) } : {}),
  };
  return rows.map(({ row }) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => {
        if (typeof value === "number") return [column, value + (raised[column] ?? 0)];
        if (typeof value !== "string") return [column, value];
        const isUnknown = json.includes(column) && UNKNOWN_ESCAPES.test(value);
        return [column, isUnknown ? storedJson(JSON.parse(value)) : storedText(value)];
      }),
    ),
  );
}

/** Within a transaction. @returns what the database says that it has now. */
export async function insertRows(
  db: Statements,
  table: MovedTable,
  rows: readonly MovedRow[],
): Promise<unknown[]> {
  const { name, columns, isNumbered } = table;
  const more = name === "chat_turns" ? ["model", "prompt"] : [];
  const given = rows.map((row) => ({ ...asJson(row), ...(more.length > 0 ? askedOf(row) : {}) }));
  const names = [...columns, ...more].join(", ");
  return db.all(
    `INSERT INTO ${name} (${names}) ${isNumbered ? "OVERRIDING SYSTEM VALUE" : ""}
     SELECT ${names} FROM jsonb_populate_recordset(CAST(NULL AS ${name}), CAST(CAST(? AS text) AS jsonb))
     RETURNING ${columns.join(", ")}`,
    [JSON.stringify(given)],
  );
}

/** What no column of the source has: what is found, and what is shown in lists. */
export async function writeBeside(
  db: Statements,
  table: MovedTable,
  rows: readonly PlacedRow[],
): Promise<void> {
  if (table.name === "job_bodies") await writeBesideJobs(db, rows);
  if (table.name === "chat_turns") await writeBesideTurns(db, rows);
}

/** Whatever the order of rows and however bytes are shown. */
export function digestOf(table: MovedTable, rows: readonly unknown[]): string {
  const lines = rows.map((row) => {
    const values = z.record(z.string(), z.unknown()).parse(row);
    return JSON.stringify(
      table.columns.map((name) => {
        const value = values[name] ?? null;
        return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
      }),
    );
  });
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex");
}

function asJson(row: MovedRow) {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? `\\x${Buffer.from(value).toString("hex")}` : value,
    ]),
  );
}

/** What of a turn's request is looked for in the database has columns of its own here. */
function askedOf({ request }: MovedRow) {
  return askedRow.parse(JSON.parse(String(request)));
}

function keysOf(rows: readonly PlacedRow[]): string {
  return JSON.stringify(rows.map(({ row }) => row["job_id"]));
}

async function writeBesideJobs(db: Statements, rows: readonly PlacedRow[]): Promise<void> {
  const found = await db.all(
    `SELECT jobs.*, input, wire, chat_turns.prompt AS task,
       jobs.thread_id IS NOT NULL AND chat_turns.job_id IS NULL AS is_emptied
     FROM jobs JOIN job_bodies USING (job_id) LEFT JOIN chat_turns USING (job_id)
     WHERE job_id IN ${LISTED}`,
    [keysOf(rows)],
  );
  const written = found.map(async (row) => {
    const { task, is_emptied } = wordsRow.parse(row);
    // Of a deleted conversation nothing is found any more.
    if (is_emptied) return;
    const job = readWholeRow(row);
    const { prompt } = job.input;
    if (typeof prompt === "string") {
      await db.run("UPDATE job_bodies SET prompt = ? WHERE job_id = ?", [
        prompt.slice(0, LISTED_PROMPT_CHARACTERS),
        job.jobId,
      ]);
    }
    await writeJobWords(db, job, task ?? undefined);
  });
  await Promise.all(written);
}

async function writeBesideTurns(db: Statements, rows: readonly PlacedRow[]): Promise<void> {
  const sql = `SELECT seq, job_id, prompt FROM chat_turns WHERE job_id IN ${LISTED}`;
  const turns = (await db.all(sql, [keysOf(rows)])).map((row) => turnRow.parse(row));
  const written = turns.map(async ({ seq, job_id, prompt }) => {
    const names = rows.find(({ row }) => row["job_id"] === job_id)?.beside ?? "[]";
    await writeTurnWords(db, seq, prompt, namesSchema.parse(JSON.parse(names)));
  });
  await Promise.all(written);
}

/** Rows as they can be inserted: a request that another job here has claimed is not claimed again. */
export async function withoutTaken(
  db: Statements,
  { name }: MovedTable,
  rows: readonly MovedRow[],
): Promise<readonly MovedRow[]> {
  if (name !== "jobs") return rows;
  const claims = rows.flatMap((row) => row["request_claim"] ?? []);
  const sql = `SELECT request_claim FROM jobs WHERE request_claim IN ${LISTED}`;
  const found = await db.all(sql, [JSON.stringify(claims)]);
  const taken = new Set(found.map((row) => claimRow.parse(row).request_claim));
  return rows.map((row) =>
    taken.has(String(row["request_claim"])) ? { ...row, request_claim: null } : row,
  );
}
