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
 * Takes the record for this process alone, until it is closed: nobody else uses or moves it
 * meanwhile, nor does a program of before there were moves.
 * @throws {configuration} while a process uses it. @throws {storage}
 */
export function holdRecord(dataDir: string): Database {
  const path = join(dataDir, DATABASE_FILE);
  let db: Database | undefined;
  try {
    db = new DatabaseSync(path);
    // Whoever has it open, busy or idle, holds a lock that this one does not go with.
    db.exec("PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) {
      throw new AppError(
        "configuration",
        `A longcat-mcp uses ${oneLine(path)}: end every one of them, hosts that start it and other \`longcat-mcp migrate\` included, and run this again. Nothing was changed.`,
      );
    }
    throw failure(path, error);
  }
}

/**
 * A copy of the record as it is now, brought to the newest version; the record itself stays as it
 * is. The same copy once more, where there is one.
 * @param held the record, which nobody else can change. @throws {storage}
 */
export function openSnapshot(dataDir: string, held: Database): Connection {
  const folder = join(dataDir, FOLDER);
  const path = join(folder, DATABASE_FILE);
  try {
    makeFolderSync(folder);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) copyRecord(held, path);
    return new Connection(folder);
  } catch (error) {
    throw error instanceof AppError ? error : failure(path, error);
  }
}

export function removeSnapshot(dataDir: string): void {
  rmSync(join(dataDir, FOLDER), { recursive: true, force: true });
}

/** It is in its place once it is whole. */
function copyRecord(held: Database, to: string): void {
  const draft = `${to}.draft`;
  rmSync(draft, { force: true });
  // Not prepared: a statement that is left keeps the lock beyond the connection's end.
  held.exec(`VACUUM INTO '${draft.replaceAll("'", "''")}'`);
  renameSync(draft, to);
}

function failure(path: string, cause: unknown): AppError {
  const reason = oneLine(cause instanceof Error ? cause.message : String(cause), 200);
  return new AppError("storage", `The record cannot be copied: ${oneLine(path)}: ${reason}.`, {
    cause,
    next: "Nothing was lost: see to that, and run this again.",
  });
}
