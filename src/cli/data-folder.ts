import { accessSync, closeSync, constants, existsSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { DATABASE_FILE } from "../core/folder-names.ts";
import { makeFolderSync } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";

/** @throws {storage} where jobs could not be recorded; better now than at the first purchase. */
export function requireDataDir(path: string): void {
  try {
    makeFolderSync(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    // Some folders refuse every file whatever they say of themselves; one with a database does not.
    if (!existsSync(join(path, DATABASE_FILE))) tryFile(join(path, `.try-${process.pid}`));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new AppError(
      "storage",
      `The data folder ${oneLine(path)} cannot be used${code}; choose another with LONGCAT_MCP_DATA_DIR.`,
      { cause: error },
    );
  }
}

function tryFile(path: string): void {
  closeSync(openSync(path, "wx", 0o600));
  unlinkSync(path);
}
