import { accessSync, constants, mkdirSync } from "node:fs";
import { AppError } from "../core/errors.ts";

/** @throws {storage} where jobs could not be recorded; better now than at the first purchase. */
export function requireDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new AppError(
      "storage",
      `The data folder ${path} cannot be used${code}; choose another with LONGCAT_MCP_DATA_DIR.`,
      { cause: error },
    );
  }
}
