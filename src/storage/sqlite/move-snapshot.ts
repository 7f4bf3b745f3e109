import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { AppError } from "../../core/errors.ts";
import { DATABASE_FILE } from "../../core/folder-names.ts";
import { makeFolderSync } from "../../core/make-folder.ts";
import { oneLine } from "../../core/text.ts";
import { Connection } from "./connection.ts";
import type { Database } from "./migrations.ts";

/** Below the data folder, as long as a move is not over. */
const FOLDER = "moving";
const BUSY = 5;

/** Whether a folder has a record. */
export function hasRecord(dataDir: string): boolean {
  return (statSync(join(dataDir, DATABASE_FILE), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/**
 * A copy of the record as it is now, brought to the newest version; the record itself stays as it
 * is. The same copy once more, where there is one. To be called when nobody can begin to use the
 * record any more.
 * @throws {configuration} while a process uses it. @throws {storage}
 */
export function openSnapshot(dataDir: string): Connection {
  const folder = join(dataDir, FOLDER);
  makeFolderSync(folder);
  const path = join(folder, DATABASE_FILE);
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (!isThere) copyRecord(join(dataDir, DATABASE_FILE), path);
  return new Connection(folder);
}

export function removeSnapshot(dataDir: string): void {
  rmSync(join(dataDir, FOLDER), { recursive: true, force: true });
}

function copyRecord(from: string, to: string): void {
  const draft = `${to}.draft`;
  rmSync(draft, { force: true });
  let db: Database | undefined;
  try {
    db = new DatabaseSync(from);
    // Whoever has it open, busy or idle, holds a lock that this one does not go with.
    db.exec("PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    // Not prepared: a statement that is left keeps the lock beyond the connection's end.
    db.exec(`VACUUM INTO '${draft.replaceAll("'", "''")}'`);
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) {
      throw new AppError(
        "configuration",
        `A longcat-mcp uses ${oneLine(from)}: end every one of them, hosts that start it included, and run this again. Nothing was changed.`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError("storage", `${oneLine(from)} cannot be copied: ${oneLine(reason, 200)}.`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
  renameSync(draft, to);
}
