import * as z from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type {
  Move,
  MoveSource,
  MoveTarget,
  PlacedRow,
  Standing,
  TableProgress,
} from "../../moving/move-ends.ts";
import type { MovedTable } from "../../moving/moved-tables.ts";
import type { RecordPlace } from "../rows/whole-record.ts";
import { bringForward } from "./bring-forward.ts";
import { LISTED, type PostgresDatabase, type Statements } from "./database.ts";
import { databaseAddress } from "./database-address.ts";
import { beginLeaving, filesOf, hasFollowed, noteUndone, removeRows } from "./move-undoing.ts";
import { digestOf, insertRows, storedRows, withoutTaken, writeBeside } from "./placed-rows.ts";
import { PostgresConnection } from "./postgres-connection.ts";

const NUMBERED = ["jobs", "chat_turns", "audit_log"] as const;
/** What is under way may have a megabyte a row. */
const AT_ONCE = 20;
/** Whoever moves something waits for whoever does so too. */
const MOVES = "moves";

const numberRow = z.object({ n: z.number() });
const standingRow = z.object({ closed: z.boolean(), digests: z.boolean(), others: z.boolean() });
const userRow = z.object({ name: z.string(), userId: z.string() });
const moveRow = z.object({
  state: z.enum(["copying", "done", "leaving", "undone"]),
  local_owner: z.string(),
  has_files: z.number(),
  ended_at: z.number().nullable(),
  jobs_base: z.number(),
  chat_turns_base: z.number(),
  audit_log_base: z.number(),
});
const progressRow = z.object({
  name: z.string(),
  up_to: z.number(),
  rows: z.number(),
  digest: z.string(),
});

/** Opens a database, brought to the newest version. @throws {configuration | storage} */
export async function openMoveTarget(
  { url, prepares, schema }: NonNullable<RecordPlace["database"]>,
  clock: Clock,
): Promise<MoveTarget> {
  const address = databaseAddress(url);
  // So that replicas are told from this.
  const own = { ...address, applicationName: `${address.applicationName} migrate` };
  const db = new PostgresConnection({ address: own, schema, prepares, clock });
  try {
    await bringForward(db, schema, address.shown);
    return new PostgresMoveTarget(db, address.shown, address.applicationName);
  } catch (error) {
    await db.close();
    throw error;
  }
}

class PostgresMoveTarget implements MoveTarget {
  readonly shown: string;
  readonly #db: PostgresDatabase;
  readonly #applicationName: string;

  constructor(db: PostgresDatabase, shown: string, applicationName: string) {
    this.#db = db;
    this.shown = shown;
    this.#applicationName = applicationName;
  }

  async standing(): Promise<Standing> {
    return this.#db.transaction(async (db) => {
      const [row] = await db.all(
        `SELECT EXISTS (SELECT 1 FROM closed) AS closed,
           EXISTS (SELECT 1 FROM jobs) OR EXISTS (SELECT 1 FROM deleted_jobs)
             OR EXISTS (SELECT 1 FROM webhook_secrets)
             OR EXISTS (SELECT 1 FROM users WHERE forgotten_subject IS NOT NULL) AS digests,
           EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = ?) AS others`,
        [this.#applicationName],
      );
      const { closed, digests, others } = standingRow.parse(row);
      const users = await db.all(
        `SELECT name, user_id AS "userId" FROM users
         WHERE name IS NOT NULL AND revoked_at IS NULL ORDER BY name`,
        [],
      );
      return {
        hadUsers: closed,
        users: users.map((one) => userRow.parse(one)),
        hasDigests: digests,
        isInUse: others,
      };
    });
  }

  async move(id: string): Promise<Move | undefined> {
    return moveOf(this.#db, id);
  }

  async begin(
    source: MoveSource,
    how: { localOwner: string; hasFiles: boolean; takesSecret: boolean },
  ): Promise<Move> {
    return this.#db.transaction(async (db) => {
      await db.lock(MOVES);
      const known = await moveOf(db, source.id);
      if (known && known.state !== "undone") return known;
      await db.run(
        `DELETE FROM moved_tables WHERE source = ? AND name NOT IN ('audit_log', 'refused_logins')`,
        [source.id],
      );
      const bases = [];
      for (const table of NUMBERED) bases.push(await reserve(db, table, source.highest(table)));
      if (how.takesSecret) await db.run("UPDATE store_secret SET secret = ?", [source.secret]);
      const closed = await db.all(
        `INSERT INTO closed (closed_at) SELECT at FROM (SELECT CAST(? AS bigint) AS at) AS source
         WHERE at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM closed) RETURNING 1`,
        [source.closedAt() ?? null],
      );
      for (const { question, ends_at } of source.answered()) {
        await db.run(
          "INSERT INTO answered_questions (question, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
          [question, ends_at],
        );
      }
      await db.run("DELETE FROM moves WHERE source = ?", [source.id]);
      await db.run(
        `INSERT INTO moves (source, state, local_owner, has_files, has_closed, jobs_base,
           chat_turns_base, audit_log_base) VALUES (?, 'copying', ?, ?, ?, ?, ?, ?)`,
        [source.id, how.localOwner, Number(how.hasFiles), closed.length, ...bases],
      );
      return requireMove(db, source.id);
    });
  }

  async put(
    id: string,
    table: MovedTable,
    rows: readonly PlacedRow[],
    progress: TableProgress,
  ): Promise<TableProgress> {
    return this.#db.transaction(async (db) => {
      const digest = await add(db, await requireMove(db, id), table, rows, progress.digest);
      const upTo = rows.at(-1)?.at ?? progress.upTo;
      const count = progress.rows + rows.length;
      const noted = await db.all(
        `INSERT INTO moved_tables (source, name, up_to, rows, digest) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (source, name) DO UPDATE
         SET up_to = excluded.up_to, rows = excluded.rows, digest = excluded.digest
         WHERE moved_tables.up_to = ? RETURNING 1`,
        [id, table.name, upTo, count, digest, progress.upTo],
      );
      if (noted.length === 0) throw another();
      return { upTo, rows: count, digest };
    });
  }

  async finish(
    id: string,
    tables: readonly (readonly [MovedTable, readonly PlacedRow[]])[],
    now: number,
  ): Promise<void> {
    await this.#db.holding(MOVES, async (db) => {
      const move = await requireMove(db, id);
      if (move.state === "done") return;
      if (move.state !== "copying") throw another();
      for (const [table, rows] of tables) {
        for (let from = 0; from < rows.length; from += AT_ONCE) {
          await add(db, move, table, rows.slice(from, from + AT_ONCE), "");
        }
      }
      await db.run(
        "UPDATE moves SET state = 'done', ended_at = ?, xact = pg_current_xact_id() WHERE source = ?",
        [now, id],
      );
    });
  }

  async countOf({ name, key = "seq" }: MovedTable, keys: readonly string[]): Promise<number> {
    const sql = `SELECT count(*) AS n FROM ${name} WHERE ${key} IN ${LISTED}`;
    return numberRow.parse((await this.#db.all(sql, [JSON.stringify(keys)]))[0]).n;
  }

  async hasFollowed(id: string, jobIds: readonly string[], owners: readonly string[]) {
    return hasFollowed(this.#db, id, jobIds, owners);
  }

  async beginLeaving(id: string, jobIds: readonly string[], owners: readonly string[]) {
    return this.#db.holding(MOVES, (db) => beginLeaving(db, id, jobIds, owners));
  }

  async filesOf(jobIds: readonly string[]): Promise<{ owner: string; ref: string }[]> {
    return filesOf(this.#db, jobIds);
  }

  async remove(table: MovedTable, keys: readonly string[]): Promise<void> {
    await removeRows(this.#db, table, keys);
  }

  async noteUndone(id: string): Promise<void> {
    await this.#db.transaction((db) => noteUndone(db, id));
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

/** Within a transaction. @returns the digest of everything that is there by then. */
async function add(
  db: Statements,
  move: Move,
  table: MovedTable,
  rows: readonly PlacedRow[],
  before: string,
): Promise<string> {
  if (rows.length === 0) return before;
  await db.run("SELECT set_config('longcat_mcp.moving', 'on', true)", []);
  const given = await withoutTaken(db, table, storedRows(table, rows, move));
  const digest = digestOf(table, await insertRows(db, table, given));
  if (digest !== digestOf(table, given)) {
    throw new AppError("storage", `The database has not kept rows of ${table.name} as they are.`, {
      next: "Nothing of them was kept; run this again, and report it if it stays so.",
    });
  }
  await writeBeside(db, table, rows);
  return digestOf({ name: "", columns: ["before", "digest"] }, [{ before, digest }]);
}

/** Keeps numbers free that nobody else is given. @returns what is added to the source's. */
async function reserve(db: Statements, table: string, count: number): Promise<number> {
  // Whoever inserts has taken this lock before a number.
  await db.run(`LOCK TABLE ${table} IN SHARE MODE`, []);
  const [row] = await db.all("SELECT nextval(pg_get_serial_sequence(?, 'seq')) AS n", [table]);
  const { n } = numberRow.parse(row);
  await db.run("SELECT setval(pg_get_serial_sequence(?, 'seq'), CAST(? AS bigint))", [
    table,
    n + count + 1,
  ]);
  return n;
}

async function moveOf(db: Statements, id: string): Promise<Move | undefined> {
  const [row] = await db.all("SELECT * FROM moves WHERE source = ?", [id]);
  if (row === undefined) return undefined;
  const move = moveRow.parse(row);
  const tables = await db.all("SELECT * FROM moved_tables WHERE source = ?", [id]);
  return {
    state: move.state,
    localOwner: move.local_owner,
    hasFiles: move.has_files !== 0,
    endedAt: move.ended_at,
    bases: {
      jobs: move.jobs_base,
      chat_turns: move.chat_turns_base,
      audit_log: move.audit_log_base,
    },
    tables: new Map(
      tables
        .map((one) => progressRow.parse(one))
        .map(({ name, up_to, rows, digest }) => [name, { upTo: up_to, rows, digest }]),
    ),
  };
}

async function requireMove(db: Statements, id: string): Promise<Move> {
  const move = await moveOf(db, id);
  if (!move) throw another();
  return move;
}

function another(): AppError {
  return new AppError("storage", "Another `longcat-mcp migrate` is at work on the same record.", {
    next: "Let it end, or end it, and run this again; nothing is there twice.",
  });
}
