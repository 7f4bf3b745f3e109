import { dirname, sep } from "node:path";
import { isPrivatePlace, systemHome } from "../core/private-places.ts";
import type { Choice, Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";

/** How a place is opened: a file to read, a folder with all in it to read, a folder to save in. */
export const OPENINGS = ["read-file", "read-folder", "save"] as const;
export type Opening = (typeof OPENINGS)[number];

export const ONCE = "once";
export const ALWAYS = "always";

const MAX_SHOWN = 600;

/** A place outside the allowed folders, all its links followed. */
export interface OpenedPlace {
  opening: Opening;
  path: string;
}

/** The question whether a place may be used that no setting allows. @param homeDir the user's */
export function placeQuestion({ opening, path }: OpenedPlace, homeDir: string): Question {
  const folder = folderOf({ opening, path });
  const mayStay = !isHidden(folder) && !isPrivatePlace(folder, [homeDir, ...systemHome()]);
  const isSave = opening === "save";
  const what = opening === "read-file" ? "Read a file" : "Read all files in a folder";
  const used = isSave ? "what is saved" : "other files";
  return {
    key: `${opening} ${path}`,
    text: [
      `${isSave ? "Save in a folder" : what} outside the allowed folders?`,
      oneLine(path, MAX_SHOWN),
      ...(mayStay
        ? [
            `“${ALWAYS}” allows ${used} in ${oneLine(folder, MAX_SHOWN)} from now on; \`longcat-mcp folders\` takes that back.`,
          ]
        : []),
    ].join("\n"),
    isAboutMoney: false,
    ...(mayStay && { choice: HOW_LONG }),
  };
}

const HOW_LONG: Choice = { title: "How long", values: [ONCE, ALWAYS], preset: ONCE };

/** What a question of this file was about; `undefined` for any other. */
export function placeOf(key: string): OpenedPlace | undefined {
  const opening = OPENINGS.find((one) => key.startsWith(`${one} `));
  return opening && { opening, path: key.slice(opening.length + 1) };
}

/** The folder that is opened with a place, where it is for good. */
export function folderOf({ opening, path }: OpenedPlace): string {
  return opening === "read-file" ? dirname(path) : path;
}

/** Programs keep what nobody means to show them, or what they would obey, in hidden folders. */
export function isHidden(path: string): boolean {
  return path.split(sep).some((name) => name.startsWith("."));
}
