import * as z from "zod";
import { SCOPES } from "../../core/caller.ts";
import { type Room, type Seated, whoGoes } from "../../sessions/making-room.ts";
import {
  type Addressee,
  IDLE_MS,
  IN_USE_MS,
  KEPT_MS,
  type Letter,
  MOST_BYTES,
  MOST_EVENTS,
  MOST_LETTERS,
  MOST_SUBSCRIPTIONS,
  type SessionEvent,
  type SessionRecord,
  type SessionStart,
  type StoredSession,
} from "../../sessions/session-record.ts";
import { json } from "../rows/job-rows.ts";
import { LISTED, type PostgresDatabase } from "./database.ts";

/** A session that is used all the time is not written all the time. */
const NOTED_MS = 10_000;

const seatedRow = z
  .object({ handle: z.string(), in_use_until: z.number() })
  .transform((row): Seated => ({ handle: row.handle, inUseUntil: row.in_use_until }));
const beatRow = z.object({ beat: z.number() });
const sealed = z.instanceof(Uint8Array);
const letterRow = z.object({ handle: z.string(), sealed });
const eventRow = letterRow.extend({ stream: z.string(), number: z.number() });
const sessionRow = z
  .object({
    handle: z.string(),
    owner: z.string(),
    scopes: json(z.array(z.enum(SCOPES))),
    is_remote: z.number(),
    beginning: sealed,
    has_listened: z.number(),
    subscribed_text: json(z.array(z.string())),
  })
  .transform(
    (row): StoredSession => ({
      handle: row.handle,
      caller: {
        owner: row.owner,
        scopes: new Set(row.scopes),
        isRemote: row.is_remote === 1,
      },
      beginning: row.beginning,
      hasListened: row.has_listened === 1,
      subscribed: row.subscribed_text,
    }),
  );

const SESSION = `SELECT handle, owner, scopes, is_remote, beginning, has_listened,
  CAST(subscribed AS text) AS subscribed_text FROM sessions`;

/** Sessions of the 2025 era, for all machines. */
export class PostgresSessionRecord implements SessionRecord {
  readonly #db: PostgresDatabase;

  constructor(db: PostgresDatabase) {
    this.#db = db;
  }

  async begin(
    { handle, caller, beginning }: SessionStart,
    room: Room,
    now: number,
  ): Promise<boolean> {
    const { owner, scopes, isRemote } = caller;
    return this.#db.transaction(async (db) => {
      await db.lock(`sessions of ${owner}`);
      await db.run("DELETE FROM sessions WHERE owner = ? AND used_at <= ?", [owner, now - IDLE_MS]);
      const sql = "SELECT handle, in_use_until FROM sessions WHERE owner = ? ORDER BY used_at, seq";
      const own = (await db.all(sql, [owner])).map((row) => seatedRow.parse(row));
      const goes = whoGoes(own, room, now);
      if (goes === "full") return false;
      if (goes !== "none") await db.run("DELETE FROM sessions WHERE handle = ?", [goes.handle]);
      await db.run(
        `INSERT INTO sessions (handle, owner, scopes, is_remote, beginning, used_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        [handle, owner, JSON.stringify([...scopes]), isRemote ? 1 : 0, beginning, now],
      );
      return true;
    });
  }

  async find(handle: string, now: number): Promise<StoredSession | undefined> {
    const [row] = await this.#db.all(
      `WITH noted AS (UPDATE sessions SET used_at = ?
         WHERE handle = ? AND used_at > ? AND used_at < ?)
       ${SESSION} WHERE handle = ? AND used_at > ?`,
      [now, handle, now - IDLE_MS, now - NOTED_MS, handle, now - IDLE_MS],
    );
    return row === undefined ? undefined : sessionRow.parse(row);
  }

  async keep(handles: readonly string[], now: number): Promise<StoredSession[]> {
    const [list, since] = [JSON.stringify(handles), now - IDLE_MS];
    const rows = await this.#db.all(
      `WITH kept AS (UPDATE sessions SET used_at = ?, in_use_until = ?
         WHERE handle IN ${LISTED} AND used_at > ? AND in_use_until < ?)
       ${SESSION} WHERE handle IN ${LISTED} AND used_at > ?`,
      [now, now + IN_USE_MS, list, since, now + IN_USE_MS / 2, list, since],
    );
    return rows.map((row) => sessionRow.parse(row));
  }

  async listens(handle: string): Promise<void> {
    await this.#db.run("UPDATE sessions SET has_listened = 1 WHERE handle = ?", [handle]);
  }

  async subscribe(handle: string, uri: string): Promise<boolean> {
    await this.#db.run(
      `UPDATE sessions SET subscribed = subscribed || to_jsonb(CAST(? AS text))
       WHERE handle = ? AND jsonb_array_length(subscribed) < ?
         AND NOT jsonb_exists(subscribed, ?)`,
      [uri, handle, MOST_SUBSCRIPTIONS, uri],
    );
    const missing = `SELECT 1 FROM sessions WHERE handle = ? AND NOT jsonb_exists(subscribed, ?)`;
    return (await this.#db.all(missing, [handle, uri])).length === 0;
  }

  async unsubscribe(handle: string, uri: string): Promise<void> {
    await this.#db.run(
      "UPDATE sessions SET subscribed = subscribed - CAST(? AS text) WHERE handle = ?",
      [uri, handle],
    );
  }

  async end(handle: string): Promise<void> {
    await this.#db.run("DELETE FROM sessions WHERE handle = ?", [handle]);
  }

  async tell({ handle, stream, number, sealed }: SessionEvent, now: number): Promise<void> {
    // One process writes at a time to one session, mostly: two may leave an event too many.
    await this.#db.run(
      `WITH kept AS (SELECT seq, row_number() OVER newest AS nth,
           sum(octet_length(sealed)) OVER newest AS bytes
         FROM session_events WHERE handle = ? WINDOW newest AS (ORDER BY seq DESC)),
       gone AS (DELETE FROM session_events
         WHERE seq IN (SELECT seq FROM kept WHERE nth >= ? OR bytes > ?))
       INSERT INTO session_events (handle, stream, number, sealed, at)
       SELECT handle, CAST(? AS text), CAST(? AS bigint), CAST(? AS bytea), CAST(? AS bigint)
       FROM sessions WHERE handle = ?`,
      [
        ...[handle, MOST_EVENTS, MOST_BYTES - sealed.length],
        ...[stream, number, sealed, now, handle],
      ],
    );
  }

  async toldAfter(handle: string, stream: string, number: number): Promise<SessionEvent[]> {
    const rows = await this.#db.all(
      `SELECT handle, stream, number, sealed FROM session_events
       WHERE handle = ? AND stream = ? AND number > ? ORDER BY number`,
      [handle, stream, number],
    );
    return rows.map((row) => eventRow.parse(row));
  }

  async hand({ handle, sealed }: Letter, addressee: Addressee, now: number): Promise<void> {
    const [isToOne, writer] = "to" in addressee ? [true, addressee.to] : [false, addressee.allBut];
    const writers = isToOne
      ? "(SELECT CAST(? AS text) AS writer) writers"
      : "(SELECT writer FROM session_writers WHERE writer <> ?) writers";
    await this.#db.run(
      `INSERT INTO session_letters (handle, writer, sealed, at)
       SELECT sessions.handle, writers.writer, CAST(? AS bytea), CAST(? AS bigint)
       FROM ${writers}, sessions
       WHERE sessions.handle = ?
         AND (SELECT count(*) FROM session_letters WHERE handle = ?) < ?`,
      [sealed, now, writer, handle, handle, MOST_LETTERS],
    );
  }

  async collect(writer: string, now: number): Promise<Letter[]> {
    const rows = await this.#db.all(
      `WITH beaten AS (INSERT INTO session_writers (writer, beat, at) VALUES (?, 1, ?)
         ON CONFLICT (writer) DO UPDATE SET beat = session_writers.beat + 1, at = excluded.at)
       DELETE FROM session_letters WHERE writer = ? RETURNING handle, sealed`,
      [writer, now, writer],
    );
    return rows.map((row) => letterRow.parse(row));
  }

  async beatOf(writer: string): Promise<number | undefined> {
    const [row] = await this.#db.all("SELECT beat FROM session_writers WHERE writer = ?", [writer]);
    return row === undefined ? undefined : beatRow.parse(row).beat;
  }

  async sweep(now: number): Promise<void> {
    await this.#db.run("DELETE FROM sessions WHERE used_at <= ?", [now - IDLE_MS]);
    for (const table of ["session_events", "session_letters", "session_writers"]) {
      await this.#db.run(`DELETE FROM ${table} WHERE at <= ?`, [now - KEPT_MS]);
    }
  }
}
