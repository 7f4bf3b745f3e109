import { join } from "node:path";
import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import { DATABASE_FILE } from "../../core/folder-names.ts";
import { oneLine } from "../../core/text.ts";
import type { Column } from "../rows/job-rows.ts";
import { DatabaseFiles, type Loss } from "./database-files.ts";
import {
  applicationIdOf,
  BUSY_TIMEOUT_MS,
  type Database,
  openDatabase,
  versionOf,
} from "./migrations.ts";

type Value = Column | Uint8Array;

/** SQLite's own; checkpoints are off while the log is not the one that others would read. */
const AUTO_CHECKPOINT_PAGES = 1000;
const PUT_BACK =
  "Put the file back as it was and call again. Where it is gone for good, end every longcat-mcp that uses the folder and start anew: the record, and with it budget caps and the protection against duplicates, then begins from nothing. Nothing was bought.";
const END_OTHERS =
  "End every longcat-mcp that uses the folder and start one again: the last that ends puts the log back. Nothing was bought.";
const CALL_AGAIN = "Call again; nothing was bought, and nothing of the record is missing.";

const pragmaRows = {
  busyTimeout: z.object({ timeout: z.number() }),
  journalMode: z.object({ journal_mode: z.string() }),
  synchronous: z.object({ synchronous: z.number() }),
  checkpoint: z.object({ busy: z.number() }),
};

/**
 * The open connection to `jobs.db`, for all parts of the program that keep tables in it. Every
 * method throws {storage}, with the file's path, when the database cannot be used.
 */
export class Connection {
  /** Where the database lies. */
  readonly folder: string;
  readonly #db: Database;
  readonly #path: string;
  readonly #statements = new Map<string, ReturnType<Database["prepare"]>>();
  #files: DatabaseFiles;
  /**
   * Whether the log may still hold what was deleted. It does at first: a process that was stopped
   * may have left it so.
   */
  #hasRemains = true;
  /** Whether the transaction that is open has asked for them to go. */
  #isScrubDue = false;
  /** What the next purchase is refused with, although it has been mended. */
  #untold: AppError | undefined;

  /** @throws {storage} when the folder or the database cannot be used. */
  constructor(folder: string) {
    this.folder = folder;
    this.#path = join(folder, DATABASE_FILE);
    this.#db = this.#guard(() => openDatabase(folder));
    this.#files = this.#guard(() => this.#noteFiles());
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

  /**
   * All or nothing, on disk when it returns; within another one, when that returns. `work` must not
   * wait for anything.
   */
  transaction<T>(work: () => T): T {
    if (this.#db.isOpen && this.#db.isTransaction) return work();
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
      if (this.#isScrubDue) {
        this.#isScrubDue = false;
        this.scrub();
      }
      return result;
    });
  }

  /**
   * As {@link Connection.transaction}, for what something is bought or sent upon: it happens only in
   * a database that whoever opens the folder next will read.
   * @param takeBack undoes it, if the files went just while it was written
   * @throws {storage} when the files are no longer those that were opened
   */
  recorded<T>(work: () => T, takeBack: (result: T) => void): T {
    this.#requireToldFiles();
    const result = this.transaction(work);
    const loss = this.#files.loss();
    if (!loss) return result;
    try {
      this.transaction(() => takeBack(result));
    } catch {
      // It is written where nobody reads it, and what it was for does not happen.
    }
    throw this.#lost(loss);
  }

  /**
   * Looks whether the files are still those that were opened, and puts back the log if only that is
   * gone, before somebody else opens the database without it. Cheap.
   * @returns what is wrong with them, now that nothing more can be done about it.
   */
  watch(): Loss | undefined {
    const loss = this.#files.loss();
    if (!loss && this.#hasRemains) this.#dropRemains();
    if (!loss?.isLogOnly || !this.#putBackLog()) return loss;
    this.#untold = new AppError("storage", `${sentence(this.#path, loss)} It has been put back.`, {
      next: CALL_AGAIN,
    });
    return undefined;
  }

  /**
   * For what only counts as long as others can take it back.
   * @throws {storage} when the files are no longer those that were opened
   */
  requireFiles(): void {
    const loss = this.watch();
    if (loss) throw this.#lost(loss);
  }

  /**
   * To be called when something was deleted whose bytes must go: they are overwritten in the
   * database at once, and gone with the log as soon as nobody reads it, which every
   * {@link Connection.watch} tries again.
   */
  scrub(): void {
    this.#hasRemains = true;
    const isWithin = this.#db.isOpen && this.#db.isTransaction;
    if (isWithin) this.#isScrubDue = true;
    else if (!this.#files.loss()) this.#dropRemains();
  }

  /**
   * Folds the log into the database if nobody else uses it, so that a copy of the one file is
   * complete.
   */
  close(): void {
    if (!this.#db.isOpen) return;
    this.#fold();
    this.#db.close();
    this.#files.close();
  }

  /** Waits for nobody who reads the log or writes to it. */
  #dropRemains(): void {
    try {
      const row = this.#withoutPatience(() =>
        this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get(),
      );
      this.#hasRemains = pragmaRows.checkpoint.parse(row).busy !== 0;
    } catch {
      // A full disk refuses it as well, and the next look tries again.
    }
  }

  #requireToldFiles(): void {
    this.requireFiles();
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold) throw untold;
  }

  #lost(loss: Loss): AppError {
    const next = loss.isLogOnly ? END_OTHERS : PUT_BACK;
    return new AppError("storage", sentence(this.#path, loss), { next });
  }

  #noteFiles(): DatabaseFiles {
    return new DatabaseFiles(this.#path, applicationIdOf(this.#db));
  }

  /**
   * Writes everything that is in the log, which is still open here, into the database, and begins a
   * new log.
   * @returns `false` while another process uses the database: the log is that one's as well.
   */
  #putBackLog(): boolean {
    try {
      this.#foldAlone();
      this.#db.exec("PRAGMA journal_mode=WAL");
      const files = this.#noteFiles();
      this.#files.close();
      this.#files = files;
      this.#db.exec(`PRAGMA wal_autocheckpoint=${AUTO_CHECKPOINT_PAGES}`);
      return true;
    } catch {
      // Somebody may have opened the database with a log of their own meanwhile.
      this.#db.exec("PRAGMA wal_autocheckpoint=0");
      return false;
    }
  }

  #fold(): void {
    const loss = this.#files.loss();
    if (loss && !loss.isLogOnly) return;
    try {
      this.#foldAlone();
    } catch {
      // Others use it, and the last of them does it. What can be done before is.
      if (loss) return;
      try {
        this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
      } catch {
        // On a full disk the log stays, and is read by the next start.
      }
    }
  }

  /** Leaving WAL mode is the one thing that SQLite allows to the only user of a database. */
  #foldAlone(): void {
    this.#withoutPatience(() => this.#db.exec("PRAGMA journal_mode=DELETE"));
  }

  #withoutPatience<T>(work: () => T): T {
    this.#db.exec("PRAGMA busy_timeout=0");
    try {
      return work();
    } finally {
      this.#db.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    }
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
      throw new AppError(
        "storage",
        `The job database ${oneLine(this.#path)} cannot be used: ${reason}.`,
        {
          cause: error,
        },
      );
    }
  }
}

function sentence(path: string, { what }: Loss): string {
  return `The job database ${oneLine(path)} ${what} while the program ran.`;
}
