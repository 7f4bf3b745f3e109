import { resolve } from "node:path";
import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { OpenedFolders } from "../media/opened-folders.ts";
import { FOLDER_ACTIONS } from "../settings/commands.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * Lists the folders that the user has opened for good when they were asked, or closes one.
 * @returns what is printed.
 * @throws {invalid_input | not_found | configuration}
 */
export async function runFolders(
  [action = "list", folder, ...rest]: readonly string[],
  { dataDir, workingDir }: Pick<Settings, "dataDir" | "workingDir">,
): Promise<string> {
  const opened = new OpenedFolders(dataDir, systemClock);
  if (action === "list" && folder === undefined) return list(opened);
  if (action !== "close" || folder === undefined || rest.length > 0) {
    throw new AppError(
      "invalid_input",
      `Usage: \`longcat-mcp folders list\` or \`longcat-mcp folders close${FOLDER_ACTIONS.close.words}\`.`,
    );
  }
  // As it was listed, or as it is written from here.
  const names = [folder, resolve(workingDir, folder)];
  for (const name of names) {
    if (await opened.forget(name)) return `${oneLine(name)} is closed: you are asked again.\n`;
  }
  throw new AppError("not_found", `${oneLine(folder)} was not opened.`, {
    next: "`longcat-mcp folders` lists those that were.",
  });
}

async function list(opened: OpenedFolders): Promise<string> {
  const folders = await opened.list();
  if (folders.length === 0) return "No folder was opened beside those of the settings.\n";
  return folders
    .map(({ use, folder, since }) => `${use}  ${since.slice(0, 10)}  ${oneLine(folder)}\n`)
    .join("");
}
