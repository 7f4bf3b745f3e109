import { chmodSync } from "node:fs";
import { DatabaseSync } from "@photostructure/sqlite";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { Gate } from "../../core/gate.ts";
import { oneLine } from "../../core/text.ts";
import { BUSY_TIMEOUT_MS, type Database } from "./migrations.ts";

const RETRY_MS = 10;
const SQLITE_BUSY = 5;

/**
 * Lets one process at a time do what takes more than a moment, and so cannot be a transaction of
 * the database: those must not wait for anything. Whoever is killed lets go of it.
 */
export class FolderLock {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #gate = new Gate(1);

  /** @param path of a file that stays empty, on the disk that the processes share. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @throws {storage} when another process does not let go of it, or the file cannot be. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.run(1, async () => {
      const held = await this.#take();
      try {
        return await work();
      } finally {
        held.close();
      }
    });
  }

  async #take(): Promise<Database> {
    const since = this.#clock.elapsed();
    let db: Database | undefined;
    try {
      for (;;) {
        db ??= new DatabaseSync(this.#path);
        if (isTaken(db)) break;
        if (this.#clock.elapsed() - since > BUSY_TIMEOUT_MS) {
          throw new AppError(
            "storage",
            `Another process does not let go of ${oneLine(this.#path)}.`,
            {
              next: "Make the same call again; nothing was sent.",
            },
          );
        }
        await new Promise<void>((resolve) => this.#clock.schedule(RETRY_MS, resolve));
      }
      chmodSync(this.#path, 0o600);
      return db;
    } catch (error) {
      db?.close();
      if (error instanceof AppError) throw error;
      throw new AppError("storage", `${oneLine(this.#path)} cannot be used.`, {
        cause: error,
        next: "Make room there or choose another LONGCAT_MCP_DATA_DIR; nothing was sent.",
      });
    }
  }
}

/** Nothing is ever written, so that the file stays empty and nothing has to be synced. */
function isTaken(db: Database): boolean {
  try {
    db.exec("PRAGMA busy_timeout=0; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
