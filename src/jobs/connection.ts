import { join } from "node:path";
import * as z from "zod";
import { AppError } from "../core/errors.ts";
import type { Column } from "./rows.ts";
import { type Database, openDatabase, versionOf } from "./schema.ts";

type Value = Column | Uint8Array;

const pragmaRows = {
  busyTimeout: z.object({ timeout: z.number() }),
  journalMode: z.object({ journal_mode: z.string() }),
  synchronous: z.object({ synchronous: z.number() }),
};

/**
 * The open connection to `jobs.db`, for all parts of the program that keep tables in it. Every
 * method throws {storage}, with the file's path, when the database cannot be used.
 */
export class Connection {
  readonly #db: Database;
  readonly #path: string;
  readonly #statements = new Map<string, ReturnType<Database["prepare"]>>();

  /** @throws {storage} when the folder or the database cannot be used. */
  constructor(folder: string) {
    this.#path = join(folder, "jobs.db");
    this.#db = this.#guard(() => openDatabase(folder));
  }

  /** What the connection really works with, by name of the pragma. */
  pragmas(): { busyTimeoutMs: number; journalMode: string; synchronous: number } {
    const read = (name: string) => this.#db.prepare(`PRAGMA ${name}`).get();
    return this.#guard(() => ({
      busyTimeoutMs: pragmaRows.busyTimeout.parse(read("busy_timeout")).timeout,
      journalMode: pragmaRows.journalMode.parse(read("journal_mode")).journal_mode,
      synchronous: pragmaRows.synchronous.parse(read("synchronous")).synchronous,
    }));
  }

  all(sql: string, values: readonly Value[]): unknown[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  run(sql: string, values: readonly Value[]): void {
    this.#guard(() => this.#prepare(sql).run(...values));
  }

  /** All or nothing, on disk when it returns. `work` must not wait for anything. */
  transaction<T>(work: () => T): T {
    return this.#guard(() => {
      this.#db.exec("BEGIN IMMEDIATE");
      let result: T;
      try {
        result = work();
      } catch (error) {
        this.#rollBack();
        throw error;
      }
      try {
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#rollBack();
        this.#overwrite();
        throw error;
      }
      return result;
    });
  }

  close(): void {
    this.#db.close();
  }

  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  /**
   * A commit whose sync has failed is in the log all the same, and whoever opens the database after
   * a crash would find it: a job of which the caller was told that it is not recorded. Writing
   * anything puts an end to it; this changes nothing. A disk that refuses this as well keeps the
   * old end, as far as anyone can know.
   */
  #overwrite(): void {
    try {
      this.#db.exec(`PRAGMA user_version=${versionOf(this.#db)}`);
    } catch {
      // The failure of the commit itself is what is reported.
    }
  }

  /** The texts are few and fixed, so each is compiled once. */
  #prepare(sql: string): ReturnType<Database["prepare"]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /**
   * Names the file in every failure. A write whose fsync fails has been rolled back by SQLite when
   * it is reported here: it counts as not written, and whoever tries again writes all of it again.
   */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof AppError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new AppError("storage", `The job database ${this.#path} cannot be used: ${reason}.`, {
        cause: error,
      });
    }
  }
}
